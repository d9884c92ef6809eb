import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// Reads a request's body as JSON, within bounds of size and time.
struct JSONBody: Sendable {
    /// The most bytes of a body.
    var limit = 64 << 10
    /// How long a body may take to arrive, from the moment it is waited for.
    var patience = Duration.seconds(10)

    /// Reads the whole body. The request can still be watched for the client's leaving.
    ///
    /// - Throws: ``APIError``: 400, 408, 413 or 415.
    func read<Value: Decodable & Sendable>(_ type: Value.Type, from request: inout Request) async throws -> Value {
        let mediaType = request.headers[.contentType]?.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces)
        guard mediaType?.lowercased() == "application/json" else { throw APIError.unsupportedMediaType }
        if let length = request.headers[.contentLength].flatMap(Int.init), length > limit {
            throw APIError.contentTooLarge(limit: limit)
        }
        let (body, limit) = (request.body, limit)
        let buffer: ByteBuffer
        do {
            buffer = try await within(patience) { try await body.collect(upTo: limit) }
        } catch is NIOTooManyBytesError {
            throw APIError.contentTooLarge(limit: limit)
        } catch let error as APIError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw APIError.invalid("the request's body does not arrive as HTTP has it")
        }
        request.body = .init(buffer: buffer)
        return try decode(type, from: Data(buffer: buffer))
    }

    private func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws(APIError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch let error as APIError {
            throw error
        } catch let error as DecodingError {
            throw Self.sentence(error)
        } catch {
            throw .invalid("the request's body is not JSON")
        }
    }

    /// - Throws: ``APIError/requestTimeout`` where `operation` takes longer.
    private func within<Value: Sendable>(
        _ duration: Duration, _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await operation() }
            group.addTask {
                try await Task.sleep(for: duration)
                throw APIError.requestTimeout
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }

    private static func sentence(_ error: DecodingError) -> APIError {
        func name(_ path: [any CodingKey]) -> String {
            path.map { key in key.intValue.map { "[\($0)]" } ?? key.stringValue }.joined(separator: ".")
                .replacing(".[", with: "[")
        }
        switch error {
        case .keyNotFound(let key, let context):
            let name = name(context.codingPath + [key])
            return .invalid("\(name) is missing", param: name, code: "missing_field")
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            guard !context.codingPath.isEmpty else { return .invalid("the request's body must be a JSON object") }
            let name = name(context.codingPath)
            return .invalid("\(name) has the wrong type", param: name, code: "wrong_type")
        case .dataCorrupted(let context):
            guard !context.codingPath.isEmpty else {
                return .invalid("the request's body is not JSON, or has a number that does not fit")
            }
            let name = name(context.codingPath)
            return .invalid("\(name) is not a value that it can have", param: name, code: "wrong_value")
        @unknown default:
            return .invalid("the request's body is not JSON")
        }
    }
}
