import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// The studio on the network: the API, the page, and what keeps both from harm.
package struct StudioServer: Sendable {
    private let studio: Studio
    private let configuration: ServingConfiguration
    private let logger: Logger
    private let endpoints: [Endpoint]
    private let requests = RequestMetrics()

    package init(
        _ studio: Studio, model: ServedModel, configuration: ServingConfiguration, logger: Logger
    ) throws {
        (self.studio, self.configuration, self.logger) = (studio, configuration, logger)
        let body = JSONBody(patience: configuration.bodyTimeout)
        let stream = EventStream(
            studio: studio, listeners: Listeners(studio, patience: configuration.unwatched),
            heartbeat: configuration.heartbeat)
        let generations = GenerationsAPI(
            studio: studio, model: model, body: body, address: configuration.address(port: configuration.port))
        endpoints =
            generations.endpoints
            + JobsAPI(studio: studio, model: model, body: body, stream: stream).endpoints
            + (try ModelAPI(model, studio.limits)).endpoints
            + StatusAPI(studio: studio, model: model, requests: requests).endpoints
            + PageAPI(document: try OpenAPIDocument(model, studio.limits)).endpoints
    }

    /// The server without its ways to start and stop, for tests too.
    ///
    /// - Parameter onReady: Called with the port once requests are answered.
    package func application(
        onReady: @escaping @Sendable (Int) async -> Void = { _ in }
    ) -> some ApplicationProtocol {
        let router = Router(context: StudioContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: RequestRecord(metrics: requests))
        router.add(middleware: SecurityHeaders())
        router.add(middleware: ErrorResponses(endpoints: endpoints))
        router.add(middleware: OriginCheck(hosts: configuration.answeredHosts))
        let locked = router.group().add(middleware: KeyCheck(authentication: configuration.authentication))
        for endpoint in endpoints {
            if endpoint.isOpen {
                router.on(RouterPath(endpoint.path), method: endpoint.method, use: endpoint.answer)
            } else {
                locked.on(RouterPath(endpoint.path), method: endpoint.method, use: endpoint.answer)
            }
        }
        let patience = TimeAmount(configuration.idleTimeout)
        return Application(
            router: router,
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [StalledWriteHandler(patience: patience)], idleTimeout: patience)),
            configuration: .init(
                address: .hostname(configuration.host, port: configuration.port),
                availableConnectionsDelegate: MaximumAvailableConnections(connections, logger: logger)),
            onServerRunning: { channel in await onReady(channel.localAddress?.port ?? configuration.port) },
            logger: logger)
    }

    /// Serves until the process is asked to stop (SIGINT, SIGTERM), then ends what runs and returns.
    ///
    /// - Parameter onReady: Called with the server's URL once requests are answered.
    /// - Throws: ``ServerError`` where the address cannot be had.
    package func run(onReady: @escaping @Sendable (String) async -> Void) async throws {
        let application = application { port in await onReady("http://\(configuration.address(port: port))") }
        var lifecycle = ServiceGroupConfiguration(
            // The last is stopped first: while running jobs end, their events still go out, and new ones get a 503.
            services: [application, Farewell(studio: studio, grace: configuration.grace, logger: logger)],
            gracefulShutdownSignals: [.sigint, .sigterm], logger: logger)
        // A client that does not read its answer shall not keep the server from ending.
        lifecycle.maximumGracefulShutdownDuration = configuration.grace + .seconds(3)
        do {
            try await ServiceGroup(configuration: lifecycle).run()
        } catch let error as IOError {
            let reason = String(cString: strerror(error.errnoCode))
            throw ServerError("\(configuration.address(port: configuration.port)): cannot be listened at: \(reason)")
        } catch is SocketAddressError.UnknownHost {
            throw ServerError("\(configuration.host): there is no such host; give an address of this machine")
        }
    }

    /// As many connections as are wanted, but fewer than files that the process may open: a server that runs out of these
    /// stops listening.
    private var connections: Int {
        var limit = rlimit()
        #if canImport(Darwin)
            let result = getrlimit(RLIMIT_NOFILE, &limit)
        #else
            let result = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #endif
        guard result == 0 else { return configuration.connections }
        return max(8, min(configuration.connections, Int(clamping: limit.rlim_cur) - 64))
    }
}

/// Ends the studio's work in good order when the server is asked to stop.
private struct Farewell: Service {
    let studio: Studio
    let grace: Duration
    let logger: Logger

    func run() async throws {
        try? await gracefulShutdown()
        let ended = await studio.shutDown(grace: grace)
        if ended > 0 { logger.warning("stopped before all jobs were done", metadata: ["ended": "\(ended)"]) }
    }
}
