import Hummingbird
import NIOCore

/// What is known of a request besides itself.
struct StudioContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Whose request it is, for a fair queue: the name of its key, else the address that it comes from.
    var client: String

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        client = source.channel.remoteAddress?.ipAddress ?? "unknown"
    }
}

/// Lets only those in who carry a key, where the server has keys.
struct KeyCheck: RouterMiddleware {
    let authentication: Authentication

    func handle(
        _ request: Request, context: StudioContext, next: (Request, StudioContext) async throws -> Response
    ) async throws -> Response {
        guard authentication.isRequired else { return try await next(request, context) }
        guard let client = authentication.client(authorization: request.headers[.authorization]) else {
            throw APIError.unauthorized
        }
        var context = context
        context.client = client
        return try await next(request, context)
    }
}
