import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

/// A client as the tests need it: every request on a connection of its own, and every header as it is given.
struct TestClient: Sendable {
    let port: Int

    struct Answer: Sendable {
        let status: Int
        fileprivate let headers: HTTPHeaders
        let body: Data

        var text: String { String(decoding: body, as: UTF8.self) }

        func header(_ name: String) -> String? { headers.first(name: name) }

        /// The body as a JSON object.
        func json() throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: body) as? [String: Any], "\(text)")
        }

        /// What an error says of itself.
        func error() throws -> (message: String, type: String, param: String?, code: String?) {
            let error = try #require(try json()["error"] as? [String: Any], "\(text)")
            #expect(Set(error.keys) == ["message", "type", "param", "code"])
            return (
                try #require(error["message"] as? String), try #require(error["type"] as? String),
                error["param"] as? String, error["code"] as? String
            )
        }
    }

    func get(_ path: String, headers: [String: String] = [:]) async throws -> Answer {
        try await send("GET", path, headers: headers)
    }

    /// Posts JSON.
    func post(_ path: String, _ json: String, headers: [String: String] = [:]) async throws -> Answer {
        try await send(
            "POST", path, headers: headers.merging(["Content-Type": "application/json"]) { own, _ in own },
            body: Data(json.utf8))
    }

    func send(
        _ method: String, _ path: String, headers: [String: String] = [:], body: Data? = nil
    ) async throws -> Answer {
        var fields = HTTPHeaders(headers.map { ($0.key, $0.value) })
        if fields["Host"].isEmpty { fields.add(name: "Host", value: "localhost") }
        if let body { fields.add(name: "Content-Length", value: String(body.count)) }
        let head = HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method), uri: path, headers: fields)
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                        wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(.head(head))
            if let body { try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: body)))) }
            try await outbound.write(.end(nil))
            var (status, headers, bytes) = (0, HTTPHeaders(), Data())
            for try await part in inbound {
                switch part {
                case .head(let head): (status, headers) = (Int(head.status.code), head.headers)
                case .body(let buffer): bytes.append(contentsOf: buffer.readableBytesView)
                case .end: return Answer(status: status, headers: headers, body: bytes)
                }
            }
            throw CutShort()
        }
    }

    private struct CutShort: Error {}

    // MARK: Indecent clients

    /// A connection that may be used as no decent client would.
    struct Connection {
        fileprivate let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
        fileprivate var chunks: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator

        func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }

        /// Reads until a text has come.
        ///
        /// - Returns: Whether it came before the connection's end.
        mutating func read(until ending: String) async throws -> Bool {
            var text = ""
            while !text.contains(ending) {
                guard let chunk = try await chunks.next() else { return false }
                text += String(buffer: chunk)
            }
            return true
        }

        /// All that comes until the server closes the connection.
        mutating func readAll() async -> String {
            var text = ""
            while let chunk = try? await chunks.next() { text += String(buffer: chunk) }
            return text
        }
    }

    /// Sends a text at once, before any task has its turn: other tests may keep those waiting for longer than a server waits.
    private final class Greeting: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let text: String

        init(_ text: String) { self.text = text }

        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            context.fireChannelActive()
        }
    }

    /// Sends a text and takes what comes until the server closes the connection.
    func exchange(_ text: String) async throws -> String {
        try await connect(sending: text) { connection in await connection.readAll() }
    }

    /// Opens a connection for as long as `body` runs, and then leaves without a word.
    func connect<Value: Sendable>(
        sending greeting: String = "", _ body: @Sendable (inout Connection) async throws -> Value
    ) async throws -> Value {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Greeting(greeting))
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var connection = Connection(outbound: outbound, chunks: inbound.makeAsyncIterator())
            return try await body(&connection)
        }
    }
}

/// Waits until something is so, which is to be soon.
func eventually(_ isSo: () async throws -> Bool) async throws {
    for _ in 0..<1000 {
        if try await isSo() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("it never was")
}
