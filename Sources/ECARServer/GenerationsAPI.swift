import Foundation
import HTTPTypes
import Hummingbird
import TorchNN

/// `POST /v1/images/generations`, as clients of OpenAI's images API use it.
struct GenerationsAPI: Sendable {
    /// The most images of a request, as OpenAI has it.
    static let mostImages = 10

    let studio: Studio
    let model: ServedModel
    let body: JSONBody
    /// Where clients find the server if they do not say how they did: "127.0.0.1:8080".
    let address: String

    private struct Answer: Encodable {
        struct Item: Encodable {
            var b64_json: String?
            var url: String?
            let revised_prompt: String
        }
        struct Extra: Encodable {
            let seeds: [UInt64]
            let steps: [Int]
            let guidance: [Double]
            let precision: Precision
            let seconds: Double
        }
        let created: Int
        let data: [Item]
        /// What only this server says.
        let ecar: Extra
    }

    var endpoints: [Endpoint] {
        [Endpoint(.post, "/v1/images/generations") { try await generate($0, $1) }]
    }

    /// Makes the images and answers when they are done. A client that leaves takes its job with it.
    @Sendable private func generate(_ request: Request, _ context: StudioContext) async throws -> Response {
        var request = request
        let wish = try await body.read(GenerationsBody.self, from: &request)
        let id = try await studio.submit(try wish.request(model, studio.limits, client: context.client))
        let updates = try await studio.events(id)
        // A proxy that speaks TLS says so.
        let scheme = HTTPField.Name("X-Forwarded-Proto").flatMap { request.headers[$0] } == "https" ? "https" : "http"
        let origin = "\(scheme)://\(request.head.authority ?? address)"
        do {
            let images = try await request.body.consumeWithCancellationOnInboundClose { _ in
                try await finished(updates)
                return try await answer(id, asURL: wish.responseFormat == .url, at: origin)
            }
            // Watching the connection has used it up.
            return try .json(images, headers: [.connection: "close"])
        } catch {
            try? await studio.cancel(id, reason: "the client left")
            throw error
        }
    }

    /// Waits for the job's end.
    ///
    /// - Throws: ``APIError`` where it is not a good one.
    private func finished(_ updates: AsyncStream<JobUpdate>) async throws {
        for await update in updates {
            switch update.event {
            case .queued, .step, .picture: break
            case .done: return
            case .failed(let message): throw APIError.unavailable(message, code: "failed")
            case .cancelled(let reason): throw APIError.unavailable(reason, code: "cancelled")
            }
        }
        throw CancellationError()
    }

    private func answer(_ id: JobID, asURL: Bool, at origin: String) async throws -> Answer {
        let status = try await studio.status(id)
        var items: [Answer.Item] = []
        for (index, image) in status.images.enumerated() {
            var item = Answer.Item(revised_prompt: image.className)
            if asURL {
                item.url = "\(origin)\(JobsAPI.picture(id, index))"
            } else {
                item.b64_json = try await studio.picture(id, index: index).base64EncodedString()
            }
            items.append(item)
        }
        return Answer(
            created: Int(Date().timeIntervalSince1970), data: items,
            ecar: .init(
                seeds: status.images.map(\.seed), steps: status.settings.steps, guidance: status.settings.guidance,
                precision: status.precision, seconds: status.seconds))
    }
}
