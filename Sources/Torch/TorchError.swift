import CTorch

/// A failure inside libtorch, or an argument that it would not accept.
public struct TorchError: Error, CustomStringConvertible, Equatable {
    /// One sentence: what went wrong.
    public let message: String

    public var description: String { message }

    public init(_ message: String) {
        self.message = message
    }

    /// Turns the status of a C call into an error that carries the message of this thread's last failure.
    static func check(_ status: Int32) throws(TorchError) {
        guard status == 0 else { throw TorchError(lastMessage()) }
    }

    /// The first line of the last message: libtorch appends hints and traces below it.
    private static func lastMessage() -> String {
        let text = ct_last_error().map { String(cString: $0) } ?? ""
        return text.split(separator: "\n").first.map(String.init) ?? "libtorch failed without saying why"
    }
}
