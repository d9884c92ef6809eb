import HTTPTypes
import Hummingbird

/// Keeps pages of other sites from using the server through the browser of somebody who may use it.
struct OriginCheck: RouterMiddleware {
    /// The host names that the server answers to, in lower case; nil where it cannot know them.
    ///
    /// A server that trusts all of its machine must know them, or a site whose name is made to point at 127.0.0.1 (DNS
    /// rebinding) would be trusted too.
    let hosts: Set<String>?

    private static let harmless: Set<HTTPRequest.Method> = [.get, .head, .options, .trace]

    func handle(
        _ request: Request, context: StudioContext, next: (Request, StudioContext) async throws -> Response
    ) async throws -> Response {
        let authority = (request.head.authority ?? "").lowercased()
        if let hosts, !hosts.contains(Self.host(authority)) {
            throw APIError.forbidden(
                "this server does not answer to the name in the request's Host", code: "wrong_host")
        }
        if !Self.harmless.contains(request.method), isForeign(request, authority: authority) {
            throw APIError.forbidden("pages of other sites may not use this server", code: "foreign_origin")
        }
        return try await next(request, context)
    }

    /// Whether a browser says that the request comes from a page that is not this server's. Programs say nothing.
    private func isForeign(_ request: Request, authority: String) -> Bool {
        if let site = HTTPField.Name("Sec-Fetch-Site").flatMap({ request.headers[$0] }), site != "same-origin" {
            // "none" is the user's own doing, such as a bookmark.
            return site != "none"
        }
        guard let origin = request.headers[.origin]?.lowercased() else { return false }
        return origin != "http://\(authority)" && origin != "https://\(authority)"
    }

    /// "localhost:8080" → "localhost", "[::1]:8080" → "::1".
    static func host(_ authority: String) -> String {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            return String(authority[authority.index(after: authority.startIndex)..<end])
        }
        return String(authority.prefix { $0 != ":" })
    }
}
