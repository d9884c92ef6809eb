import HTTPTypes
import Hummingbird

/// `/healthz` and `/metrics`: how the server is, for those who run it.
struct StatusAPI: Sendable {
    let studio: Studio
    let model: ServedModel
    let requests: RequestMetrics

    private struct Health: Encodable {
        let status: String
    }

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/healthz", isOpen: true) { _, _ in try await health() },
            Endpoint(.get, "/metrics") { _, _ in await metrics() },
        ]
    }

    /// 503 tells a load balancer to send nobody here any more.
    private func health() async throws -> Response {
        let isOpen = await !studio.counts().isShuttingDown
        return try .json(
            Health(status: isOpen ? "ok" : "shutting down"), status: isOpen ? .ok : .serviceUnavailable)
    }

    private func metrics() async -> Response {
        let text = MetricsText(await studio.counts(), requests: requests.all(), model: model)
        return Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: text.lines)))
    }
}
