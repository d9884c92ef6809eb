/// Something that a user of a model can mend: a configuration, a file, a request.
public struct ECARError: Error, CustomStringConvertible, Equatable {
    /// One sentence: what is wrong, and where.
    public let message: String

    public var description: String { message }

    public init(_ message: String) {
        self.message = message
    }
}
