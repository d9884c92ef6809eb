/// What went wrong with which file, and, where it helps, what to do about it.
public struct FileError: Error, Equatable, CustomStringConvertible {
    /// The path or name that the caller knows the file by.
    public let file: String
    /// One clause that goes on after the name, such as "is not a valid PNG (it ends too early)".
    public let cause: String
    /// What to do, as a sentence without full stop.
    public let remedy: String?

    public init(_ file: String, _ cause: String, remedy: String? = nil) {
        self.file = file
        self.cause = cause
        self.remedy = remedy
    }

    public var description: String {
        remedy.map { "\(file) \(cause). \($0)." } ?? "\(file) \(cause)."
    }
}
