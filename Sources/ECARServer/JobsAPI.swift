import ECAR
import ECARPictures
import Foundation
import HTTPTypes
import Hummingbird

/// `/api/jobs`: work that can be watched while it is done, drafts, and pictures.
struct JobsAPI: Sendable {
    let studio: Studio
    let model: ServedModel
    let body: JSONBody
    let stream: EventStream

    var endpoints: [Endpoint] {
        [
            Endpoint(.post, "/api/jobs") { try await submit($0, $1) },
            Endpoint(.get, "/api/jobs/:id") { try await status($1) },
            Endpoint(.delete, "/api/jobs/:id") { try await cancel($1) },
            Endpoint(.get, "/api/jobs/:id/events") { try await stream.response(to: $0, of: job($1)) },
            // A job's number is secret and all that it takes, for `<img>` and OpenAI's clients send no key for pictures.
            Endpoint(.get, "/api/jobs/:id/images/:name", isOpen: true) { try await picture($0, $1) },
        ]
    }

    static func path(_ id: JobID) -> String { "/api/jobs/\(id)" }

    /// - Parameter stage: From 1; nil: the finished picture.
    static func picture(_ id: JobID, _ index: Int, stage: Int? = nil) -> String {
        "\(path(id))/images/\(index).png" + (stage.map { "?stage=\($0)" } ?? "")
    }

    private func job(_ context: StudioContext) throws -> JobID {
        guard let id = context.parameters.get("id").flatMap({ JobID($0) }) else { throw StudioError.unknownJob }
        return id
    }

    private func submit(_ request: Request, _ context: StudioContext) async throws -> Response {
        var request = request
        let id: JobID
        switch try await body.read(JobBody.self, from: &request) {
        case .new(let job): id = try await studio.submit(job.request(model, studio.limits, client: context.client))
        case .finish(let finish):
            guard let draft = JobID(finish.job) else { throw StudioError.unknownJob }
            let status = try await studio.status(draft)
            guard status.isDraft else { throw StudioError.notADraft }
            id = try await studio.submit(finish.request(of: status, studio.limits, client: context.client))
        }
        let view = JobView(try await studio.status(id), of: model)
        return try .json(view, status: .accepted, headers: [.location: view.links.`self`])
    }

    private func status(_ context: StudioContext) async throws -> Response {
        try .json(JobView(try await studio.status(job(context)), of: model))
    }

    private func cancel(_ context: StudioContext) async throws -> Response {
        try await studio.cancel(job(context))
        return Response(status: .noContent)
    }

    private func picture(_ request: Request, _ context: StudioContext) async throws -> Response {
        let query = request.uri.queryParameters
        var stage: Int?
        if let text = query["stage"] {
            guard let number = Self.number(text), (1...model.description.architecture.stages).contains(number) else {
                throw APIError.invalid(
                    "stage must be 1…\(model.description.architecture.stages)", param: "stage", code: "out_of_range")
            }
            stage = number
        }
        let download = query["download"]
        guard download == nil || download == "0" || download == "1" else {
            throw APIError.invalid("download must be 0 or 1", param: "download", code: "wrong_value")
        }
        let (id, name) = (try job(context), context.parameters.get("name") ?? "")
        guard name.hasSuffix(".png"), let index = Self.number(name.dropLast(4)) else {
            throw StudioError.unknownPicture
        }
        let png = try await studio.picture(id, index: index, stage: stage)
        var headers: HTTPFields = [.contentType: "image/png", .cacheControl: "private, max-age=900, immutable"]
        if download == "1" {
            let file = Self.fileName(try await studio.status(id).images[index], stage: stage)
            headers[.contentDisposition] = "attachment; filename=\"\(file)\""
        }
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(data: png)))
    }

    /// A number as it is written, which has one way: "+7" and "007" are none.
    private static func number(_ text: some StringProtocol) -> Int? {
        Int(text).flatMap { $0 >= 0 && String($0) == text ? $0 : nil }
    }

    /// "water-lily-7.png", of nothing but letters, digits and hyphens.
    static func fileName(_ image: ImageRequest, stage: Int?) -> String {
        let name = ClassNames.fileName(image.className)
        let variation = image.variation.map { "-variation-\($0.number)" } ?? ""
        return "\(name.isEmpty ? "class-\(image.class)" : name)-\(image.seed)\(variation)"
            + "\(stage.map { "-stage-\($0)" } ?? "").png"
    }
}
