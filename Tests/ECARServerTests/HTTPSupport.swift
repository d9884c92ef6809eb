import ECARServer
import Foundation
import Hummingbird
import Logging
import Testing

/// A server over ``FakeMaker``, whose steps the test may hold back.
struct TestServer {
    static let digest = String(repeating: "ab", count: 32)

    let studio: TestStudio
    private let server: StudioServer

    /// - Parameters:
    ///   - keys: What a file of API keys says; nil: no keys.
    ///   - isOpen: Whether steps are taken without being asked for.
    ///   - patience: How long the server waits for a silent client.
    ///   - bodyPatience: How long for a body that has begun.
    init(
        host: String = "127.0.0.1", keys: String? = nil, isOpenOnPurpose: Bool = false, limits: Limits = Limits(),
        isOpen: Bool = true, patience: Duration = .seconds(60), bodyPatience: Duration = .seconds(60)
    ) throws {
        studio = TestStudio(limits: limits, isOpen: isOpen)
        var configuration = try ServingConfiguration(
            host: host, port: 0, authentication: try keys.map { try Authentication(text: $0, name: "keys") } ?? .none,
            isOpenOnPurpose: isOpenOnPurpose)
        (configuration.bodyTimeout, configuration.idleTimeout) = (bodyPatience, patience)
        (configuration.heartbeat, configuration.unwatched) = (.milliseconds(20), .milliseconds(1))
        server = try StudioServer(
            studio.studio,
            model: ServedModel(
                name: "fake", digest: Self.digest, description: FakeMaker.model, precisions: [.f32, .bf16],
                precision: .f32),
            configuration: configuration, logger: .silent)
    }

    /// Runs a test against the server, at a port of its own.
    func test<Value: Sendable>(_ body: @escaping @Sendable (TestClient) async throws -> Value) async throws -> Value {
        try await server.whileRunning(body)
    }
}

extension StudioServer {
    func whileRunning<Value: Sendable>(
        _ body: @escaping @Sendable (TestClient) async throws -> Value
    ) async throws -> Value {
        let (ports, source) = AsyncStream.makeStream(of: Int.self)
        let application = application { source.yield($0) }
        let running = Task {
            defer { source.finish() }
            try await application.run()
        }
        defer { running.cancel() }
        let port = try #require(await ports.first { _ in true }, "the server did not start")
        return try await body(TestClient(port: port))
    }
}

extension Logger {
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

extension String {
    /// A URL's path.
    var path: String { URL(string: self)?.path ?? self }
}
