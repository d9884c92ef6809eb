import Hummingbird
import Logging

/// Counts every request, and writes one line of log for it.
///
/// The line has the address's pattern and not the address, in which a job's number is the key to its pictures.
struct RequestRecord: RouterMiddleware {
    let metrics: RequestMetrics

    func handle(
        _ request: Request, context: StudioContext, next: (Request, StudioContext) async throws -> Response
    ) async throws -> Response {
        let clock = ContinuousClock()
        let start = clock.now
        let response = try await next(request, context)
        let route = context.endpointPath ?? "none"
        metrics.count(route: route, method: request.method, status: response.status)
        context.logger.info(
            "\(RequestMetrics.name(request.method)) \(route) \(response.status.code)",
            metadata: ["milliseconds": "\(Int((clock.now - start) / .milliseconds(1)))", "client": "\(context.client)"])
        return response
    }
}
