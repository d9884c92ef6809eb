import Foundation
import HTTPTypes
import Hummingbird

/// What a request gets that cannot be answered, in the form in which OpenAI's clients expect errors.
struct APIError: Error {
    /// The family of the error, by which OpenAI's clients tell mistakes from trouble.
    enum Kind: String, Encodable {
        case invalidRequest = "invalid_request_error"
        case authentication = "authentication_error"
        case permission = "permission_error"
        case rateLimit = "rate_limit_error"
        case server = "server_error"
    }

    let status: HTTPResponse.Status
    let kind: Kind
    /// One sentence for people; never anything of the program's inside.
    let message: String
    /// The field of the request that is at fault.
    var param: String?
    /// The same as `message`, for programs.
    var code: String?
    var headers: HTTPFields = [:]

    private struct Body: Encodable {
        struct Details: Encodable {
            let message: String
            let type: Kind
            let param, code: String?

            private enum Key: CodingKey { case message, type, param, code }

            /// OpenAI's clients expect all four keys.
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Key.self)
                try container.encode(message, forKey: .message)
                try container.encode(type, forKey: .type)
                try container.encode(param, forKey: .param)
                try container.encode(code, forKey: .code)
            }
        }
        let error: Details
    }

    func response() throws -> Response {
        try .json(
            Body(error: .init(message: message, type: kind, param: param, code: code)), status: status,
            headers: headers)
    }
}

// MARK: - The errors there are

extension APIError {
    /// 400: the request cannot be meant as it is.
    static func invalid(_ message: String, param: String? = nil, code: String? = nil) -> APIError {
        APIError(status: .badRequest, kind: .invalidRequest, message: message, param: param, code: code)
    }

    /// 401, which names the scheme as RFC 9110 §11.6.1 demands.
    static var unauthorized: APIError {
        APIError(
            status: .unauthorized, kind: .authentication,
            message: "this server wants an API key: send it as Authorization: Bearer KEY", code: "invalid_api_key",
            headers: [.wwwAuthenticate: "Bearer"])
    }

    /// 403: a browser was led here by another site.
    static func forbidden(_ message: String, code: String) -> APIError {
        APIError(status: .forbidden, kind: .permission, message: message, code: code)
    }

    static func notFound(_ message: String = "there is nothing at this address") -> APIError {
        APIError(status: .notFound, kind: .invalidRequest, message: message, code: "not_found")
    }

    /// 405, with the methods that the address has.
    static func methodNotAllowed(_ allowed: [HTTPRequest.Method]) -> APIError {
        let list = Set(allowed.map(\.rawValue)).sorted().joined(separator: ", ")
        return APIError(
            status: .methodNotAllowed, kind: .invalidRequest, message: "this address knows only \(list)",
            code: "method_not_allowed", headers: [.allow: list])
    }

    /// 408: a body that does not come.
    static var requestTimeout: APIError {
        APIError(
            status: .requestTimeout, kind: .invalidRequest, message: "the request's body took too long to arrive",
            code: "request_timeout")
    }

    static func contentTooLarge(limit: Int) -> APIError {
        APIError(
            status: .contentTooLarge, kind: .invalidRequest,
            message: "the request's body is larger than \(limit) bytes", code: "content_too_large")
    }

    static var unsupportedMediaType: APIError {
        APIError(
            status: .unsupportedMediaType, kind: .invalidRequest,
            message: "send JSON, with Content-Type: application/json", code: "unsupported_media_type",
            headers: [.accept: "application/json"])
    }

    /// 500, which says nothing of its cause; the log does, under the same number.
    static func internalError(_ requestID: String) -> APIError {
        APIError(
            status: .internalServerError, kind: .server, message: "internal error (request \(requestID))",
            code: "internal_error")
    }
}

extension Response {
    /// - Parameter value: What the body says; keys are sorted, so that equal answers are equal bytes.
    static func json(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) throws -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(data: try json(value))))
    }

    /// A value as JSON on one line.
    static func json(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }
}
