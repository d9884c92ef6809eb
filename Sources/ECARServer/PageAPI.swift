import Foundation
import Hummingbird

/// The page, its files, and the description of the API; all are open, for they say nothing that is secret.
struct PageAPI: Sendable {
    let document: OpenAPIDocument

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/", isOpen: true) { request, _ in try answer(request, with: Asset.page) },
            Endpoint(.get, "/assets/:name", isOpen: true) { request, context in
                try answer(request, with: context.parameters.get("name").flatMap(Asset.file))
            },
            Endpoint(.get, "/openapi.json", isOpen: true) { [data = document.data] _, _ in
                Response(
                    status: .ok, headers: [.contentType: "application/json"],
                    body: .init(byteBuffer: ByteBuffer(data: data)))
            },
        ]
    }

    private func answer(_ request: Request, with asset: Asset?) throws -> Response {
        guard let asset else { throw APIError.notFound() }
        return asset.response(to: request)
    }
}
