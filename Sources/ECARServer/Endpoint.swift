import HTTPTypes
import Hummingbird

/// Something that can be asked for.
struct Endpoint: Sendable {
    typealias Answer = @Sendable (Request, StudioContext) async throws -> Response

    let method: HTTPRequest.Method
    /// As Hummingbird has it: "/api/jobs/:id".
    let path: String
    /// Whether it needs no key where all else does.
    let isOpen: Bool
    let answer: Answer

    init(_ method: HTTPRequest.Method, _ path: String, isOpen: Bool = false, answer: @escaping Answer) {
        (self.method, self.path, self.isOpen, self.answer) = (method, path, isOpen, answer)
    }

    /// Whether an address is one of this endpoint's.
    func matches(_ address: String) -> Bool {
        let (mine, given) = (path.split(separator: "/"), address.split(separator: "/"))
        return mine.count == given.count && zip(mine, given).allSatisfy { $0.hasPrefix(":") || $0 == $1 }
    }
}

/// Turns whatever goes wrong into an answer that a client understands and that tells nothing of the program's inside.
struct ErrorResponses: RouterMiddleware {
    let endpoints: [Endpoint]

    func handle(
        _ request: Request, context: StudioContext, next: (Request, StudioContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as APIError {
            return try error.response()
        } catch let error as StudioError {
            return try APIError(error).response()
        } catch let error as HTTPError where error.status == .notFound {
            return try missing(request).response()
        } catch is CancellationError {
            // The client has left, so nobody reads this; the number is the one that nginx logs then.
            return Response(status: .init(code: 499, reasonPhrase: "Client Closed Request"))
        } catch {
            context.logger.error("\(error)")
            return try APIError.internalError(context.id).response()
        }
    }

    /// 404, or 405 where the address is right and the method is not.
    private func missing(_ request: Request) -> APIError {
        let methods = endpoints.filter { $0.matches(request.uri.path) }.map(\.method)
        guard !methods.isEmpty else { return .notFound() }
        return .methodNotAllowed(methods + (methods.contains(.get) ? [.head] : []))
    }
}
