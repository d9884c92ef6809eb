import CImages
import Files
import Foundation

/// Reads arrays of a NumPy `.npz` file, by name without ".npy".
///
/// - Parameters:
///   - names: the arrays to read; others are passed over unread, and those that are missing are missing in the result.
///     nil: all.
///   - maximumBytes: the most that these arrays together may take in memory.
/// - Throws: `FileError` if the file is missing, damaged, too large, or holds something else than arrays of numbers.
public func readNpz(
    _ url: URL, names: Set<String>? = nil, maximumBytes: Int = 16 << 30
) throws(FileError) -> [String: NumpyArray] {
    let reader = try NpzReader(url)
    var result: [String: NumpyArray] = [:]
    var room = maximumBytes
    while let name = try reader.next() {
        guard names?.contains(name) ?? true else { continue }
        let header = try reader.header()
        guard header.byteCount <= room else {
            throw FileError(reader.entry, "holds more than the limit of \(maximumBytes) bytes")
        }
        room -= header.byteCount
        let bytes = try reader.read(header.byteCount)
        try reader.finish()
        result[name] = try NumpyArray(header, bytes: bytes)
    }
    guard names != nil || !result.isEmpty else { throw FileError(url.path, "holds no arrays") }
    return result
}

/// What arrays a NumPy `.npz` file holds, without reading their values.
///
/// - Throws: `FileError` if the file is missing, damaged, or holds something else than arrays of numbers.
public func listNpz(_ url: URL) throws(FileError) -> [String: NumpyHeader] {
    let reader = try NpzReader(url)
    var result: [String: NumpyHeader] = [:]
    while let name = try reader.next() { result[name] = try reader.header() }
    return result
}

/// Goes through the arrays of an `.npz` file in their order, reading as much of each as is asked for.
final class NpzReader {
    /// The path, as errors show it.
    let file: String
    /// The same with that of the current array.
    private(set) var entry: String
    private let size: Int
    private let archive: OpaquePointer
    private var names: Set<String> = []

    /// - Throws: `FileError` if the file is missing or no zip archive.
    init(_ url: URL) throws(FileError) {
        let input = try InputFile(url)
        guard try input.read(0..<min(2, input.size)) == Array("PK".utf8) else {
            throw FileError(input.name, "is not an .npz file")
        }
        (file, entry, size) = (input.name, input.name, input.size)
        archive = try opened(input.name) { ci_zip_open(url.path, $0) }
    }

    deinit { ci_archive_free(archive) }

    /// Goes to the next array; what is left of the current one is passed over.
    ///
    /// - Returns: its name, or nil after the last one.
    func next() throws(FileError) -> String? {
        var found = ci_entry()
        guard try checked(file, { ci_archive_next(archive, &found, $0) }) == 1 else { return nil }
        let path = String(cString: found.path)
        guard path.hasSuffix(".npy"), found.kind == CI_FILE else {
            throw FileError(file, "holds '\(path)', which is no .npy array")
        }
        let name = String(path.dropLast(4))
        guard names.insert(name).inserted else { throw FileError(file, "holds two arrays named '\(name)'") }
        entry = "\(file)/\(path)"
        return name
    }

    /// Reads the start of the current array, once, before its values.
    ///
    /// - Throws: `FileError` if it is damaged, not of plain numbers, or promises more than the file can hold.
    func header() throws(FileError) -> NumpyHeader {
        var bytes = try read(NumpyHeader.prefixSize)
        bytes += try read(try NumpyHeader.textSize(prefix: bytes, name: entry))
        let header = try NumpyHeader(bytes, name: entry)
        // Deflate makes at most 1032 bytes of one.
        guard header.byteCount / 1032 <= size else {
            throw FileError(entry, "promises \(header.byteCount) bytes in its header, more than the file can hold")
        }
        return header
    }

    /// Reads the next bytes of the current array; memory grows with those that are really there.
    ///
    /// - Throws: `FileError` if the array ends before them, or is damaged.
    func read(_ count: Int) throws(FileError) -> [UInt8] {
        var result: [UInt8] = []
        while result.count < count {
            let part = try readPart(min(count - result.count, 4 << 20))
            guard !part.isEmpty else { throw FileError(entry, "ends too early") }
            if result.isEmpty { result = part } else { result += part }
        }
        return result
    }

    /// Makes sure that the current array ends here; only now its checksum is known to be right.
    func finish() throws(FileError) {
        guard try readPart(1).isEmpty else { throw FileError(entry, "holds more than its header says") }
    }

    /// The next `count` bytes, or what is left.
    private func readPart(_ count: Int) throws(FileError) -> [UInt8] {
        var status: Result<Void, FileError> = .success(())
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
            status = Result { () throws(FileError) in
                try checked(entry) { ci_archive_read(archive, buffer.baseAddress, count, &used, $0) }
            }
        }
        try status.get()
        return bytes
    }
}
