import CImages
import Files
import Foundation

/// A regular file, open for reading from many threads at once.
package final class InputFile: Sendable {
    /// The path, as errors show it.
    package let name: String
    /// In bytes, when it was opened.
    let size: Int
    private let descriptor: Int32

    /// - Throws: `FileError` if the file is missing, unreadable, or no regular file.
    package init(_ url: URL) throws(FileError) {
        let path = url.path
        var size: Int64 = 0
        descriptor = try checked(path) { ci_open(path, &size, $0) }
        self.size = Int(size)
        name = path
    }

    deinit { ci_close(descriptor) }

    /// Reads a stretch of the file.
    ///
    /// - Throws: `FileError` if the file ends before it.
    func read(_ range: Range<Int>) throws(FileError) -> [UInt8] {
        guard range.lowerBound >= 0, range.upperBound <= size else { throw FileError(name, "ends too early") }
        guard !range.isEmpty else { return [] }
        var status: Result<Void, FileError> = .success(())
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            status = Result { () throws(FileError) in
                try checked(name) {
                    ci_pread(descriptor, buffer.baseAddress, range.count, Int64(range.lowerBound), $0)
                }
            }
            count = (try? status.get()) == nil ? 0 : range.count
        }
        try status.get()
        return bytes
    }

    /// Reads the whole file, if it has at most `limit` bytes.
    package func contents(limit: Int) throws(FileError) -> [UInt8] {
        guard size <= limit else {
            throw FileError(name, "is too large (\(size) bytes; the limit is \(limit))")
        }
        return try read(0..<size)
    }

    /// Lists an uncompressed tar without reading its contents.
    func openTar() throws(FileError) -> OpaquePointer {
        try opened(name) { ci_tar_open(descriptor, nil, 0, $0) }
    }
}

/// Decompresses gzip data, all members, CRCs checked.
///
/// - Throws: `FileError` if the data is damaged, cut short, or longer than `limit` bytes.
func gunzip(_ bytes: [UInt8], limit: Int, name: String) throws(FileError) -> [UInt8] {
    var result = ci_bytes()
    try checked(name) { ci_gunzip(bytes, bytes.count, limit, 0, &result, $0) }
    return result.take()
}

/// The first bytes of gzip data, at most `count`.
func gunzipPrefix(_ bytes: [UInt8], count: Int, name: String) throws(FileError) -> [UInt8] {
    var result = ci_bytes()
    try checked(name) { ci_gunzip(bytes, bytes.count, count, 1, &result, $0) }
    return result.take()
}

/// Whether the bytes begin as gzip data does.
func isGzip(_ bytes: some Collection<UInt8>) -> Bool { bytes.starts(with: [0x1F, 0x8B]) }
