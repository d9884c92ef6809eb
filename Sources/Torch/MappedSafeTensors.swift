import Files
import Foundation

/// A safetensors file whose tensors stay in it: opening reads the header alone, and the system fetches the rest when it is
/// looked at. The file must keep its length for as long as this value lives.
public struct MappedSafeTensors: Sendable {
    /// The path, as errors show it.
    public let name: String
    /// The header's `__metadata__`.
    public let metadata: [String: String]
    private let entries: [String: SafeTensorsHeader.Entry]
    private let data: Data

    /// Maps a file.
    ///
    /// - Throws: `FileError` where the file cannot be read or breaks the format.
    public init(_ url: URL) throws(FileError) {
        guard let data = try? Data(contentsOf: url, options: .alwaysMapped) else {
            throw FileError(url.path, "cannot be read")
        }
        let header = try SafeTensorsHeader(data, name: url.path)
        entries = Dictionary(header.entries.map { ($0.name, $0) }) { first, _ in first }
        (name, metadata, self.data) = (url.path, header.metadata, data)
    }

    public var tensorNames: [String] { entries.keys.sorted() }

    public var byteCount: Int { data.count }

    public func dtype(of name: String) -> DType? { entries[name]?.dtype }

    public func shape(of name: String) -> [Int]? { entries[name]?.shape }

    /// Gives `body` the bytes of a tensor, row-major and perhaps not aligned; none where there is no such tensor.
    public func withBytes<Value>(of name: String, _ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
        guard let range = entries[name]?.range else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        return try data[range].withUnsafeBytes(body)
    }
}
