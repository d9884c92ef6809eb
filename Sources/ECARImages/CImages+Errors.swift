import CImages
import Files

/// Makes a CImages call that reports failure by a negative number and a message.
///
/// - Returns: the call's result, zero or more.
@discardableResult
func checked(
    _ file: String, remedy: String? = nil, _ call: (UnsafeMutablePointer<CChar>) -> Int32
) throws(FileError) -> Int32 {
    var message = [CChar](repeating: 0, count: Int(CI_MESSAGE))
    let status = message.withUnsafeMutableBufferPointer { $0.baseAddress.map(call) ?? -1 }
    guard status >= 0 else { throw FileError(file, text(of: message), remedy: remedy) }
    return status
}

/// Makes a CImages call that reports failure by a null handle and a message.
func opened(
    _ file: String, _ call: (UnsafeMutablePointer<CChar>) -> OpaquePointer?
) throws(FileError) -> OpaquePointer {
    var message = [CChar](repeating: 0, count: Int(CI_MESSAGE))
    let handle = message.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap(call) }
    guard let handle else { throw FileError(file, text(of: message)) }
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
