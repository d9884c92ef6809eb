import Hummingbird

extension APIError {
    /// What a client is told where the studio does not do what is asked.
    init(_ error: StudioError) {
        self =
            switch error {
            case .unknownJob: .notFound("there is no such job")
            case .unknownPicture: .notFound("the job has no such picture, or not yet")
            case .expired:
                APIError(
                    status: .gone, kind: .invalidRequest, message: "the job's pictures are kept no longer",
                    code: "expired")
            case .notADraft:
                APIError(
                    status: .conflict, kind: .invalidRequest,
                    message: "only the images of a draft can be finished, and only once they are drawn",
                    code: "not_a_draft")
            case .full(let seconds):
                APIError(
                    status: .tooManyRequests, kind: .rateLimit, message: "the queue is full; try again in \(seconds) s",
                    code: "queue_full", headers: [.retryAfter: String(seconds)])
            case .wrong(let message): .invalid(message)
            case .unavailable: .unavailable("the server is shutting down", code: "shutting_down", retryAfter: 10)
            }
    }

    /// 503: not now.
    static func unavailable(_ message: String, code: String, retryAfter seconds: Int? = nil) -> APIError {
        APIError(
            status: .serviceUnavailable, kind: .server, message: message, code: code,
            headers: seconds.map { [.retryAfter: String($0)] } ?? [:])
    }
}
