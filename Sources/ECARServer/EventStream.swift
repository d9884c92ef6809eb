import Foundation
import HTTPTypes
import Hummingbird

/// `GET /api/jobs/ID/events`: a job's life as server-sent events (WHATWG HTML, §9.2), past events first.
struct EventStream: Sendable {
    let studio: Studio
    let listeners: Listeners
    /// How often a silent stream says that it is still there.
    let heartbeat: Duration

    private enum Message: Sendable {
        case update(JobUpdate)
        case heartbeat
    }

    /// A picture as an event; the others encode themselves.
    private struct Picture: Encodable {
        let index, stage: Int
        let final: Bool
        let url: String
        let png: Data
    }

    /// - Throws: `StudioError` for a job that there is not.
    func response(to request: Request, of id: JobID) async throws -> Response {
        let last = HTTPField.Name("Last-Event-ID").flatMap { request.headers[$0] }.flatMap { Int($0) } ?? 0
        let updates = try await studio.events(id, after: max(0, last))
        let body = ResponseBody { writer in
            await listeners.enter(id)
            do {
                let isOver = try await write(updates, of: id, watching: request.body, to: &writer)
                await listeners.leave(id, isOver: isOver)
            } catch {
                await listeners.leave(id, isOver: false)
                throw error
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .connection: "close"], body: body)
    }

    /// Writes until the job is over or the client has left.
    ///
    /// - Returns: Whether the job is over.
    private func write(
        _ updates: AsyncStream<JobUpdate>, of id: JobID, watching requestBody: RequestBody,
        to writer: inout any ResponseBodyWriter
    ) async throws -> Bool {
        let (messages, source) = AsyncStream.makeStream(of: Message.self)
        let sources = Task {
            await withTaskGroup { group in
                group.addTask {
                    for await update in updates { source.yield(.update(update)) }
                    source.finish()
                }
                group.addTask {
                    while (try? await Task.sleep(for: heartbeat)) != nil { source.yield(.heartbeat) }
                }
                await group.next()
                group.cancelAll()
            }
        }
        defer { sources.cancel() }
        return try await requestBody.consumeWithInboundCloseHandler { _ in
            for await message in messages {
                switch message {
                case .heartbeat: try await writer.write(ByteBuffer(string: ":\n\n"))
                case .update(let update):
                    try await writer.write(try Self.event(update, of: id))
                    if update.event.isLast { return true }
                }
            }
            return false
        } onInboundClosed: {
            source.finish()
        }
    }

    /// An event's lines.
    static func event(_ update: JobUpdate, of id: JobID) throws -> ByteBuffer {
        let data =
            if case .picture(let index, let stage, let isFinal, let png) = update.event {
                try Response.json(
                    Picture(
                        index: index, stage: stage, final: isFinal,
                        url: JobsAPI.picture(id, index, stage: stage), png: png))
            } else {
                try Response.json(update.event)
            }
        var buffer = ByteBuffer(string: "id: \(update.number)\nevent: \(update.event.name)\ndata: ")
        buffer.writeBytes(data)
        buffer.writeString("\n\n")
        return buffer
    }
}
