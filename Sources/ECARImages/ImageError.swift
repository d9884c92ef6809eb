import CImages

/// What went wrong with which file, and, where it helps, what to do about it.
public struct ImageError: Error, Equatable, CustomStringConvertible {
    /// The path or name that the caller knows the input by.
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

/// Makes a CImages call that reports failure by a negative number and a message.
///
/// - Returns: the call's result, zero or more.
@discardableResult
func checked(
    _ file: String, remedy: String? = nil, _ call: (UnsafeMutablePointer<CChar>) -> Int32
) throws(ImageError) -> Int32 {
    var message = [CChar](repeating: 0, count: Int(CI_MESSAGE))
    let status = message.withUnsafeMutableBufferPointer { $0.baseAddress.map(call) ?? -1 }
    guard status >= 0 else { throw ImageError(file, text(of: message), remedy: remedy) }
    return status
}

/// Makes a CImages call that reports failure by a null handle and a message.
func opened(
    _ file: String, _ call: (UnsafeMutablePointer<CChar>) -> OpaquePointer?
) throws(ImageError) -> OpaquePointer {
    var message = [CChar](repeating: 0, count: Int(CI_MESSAGE))
    let handle = message.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap(call) }
    guard let handle else { throw ImageError(file, text(of: message)) }
    return handle
}

private func text(of message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

extension ci_bytes {
    /// Copies the bytes into Swift and frees them.
    mutating func take() -> [UInt8] {
        defer { ci_bytes_free(&self) }
        return Array(UnsafeBufferPointer(start: bytes, count: size))
    }
}
