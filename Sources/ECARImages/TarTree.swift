import CImages
import Files
import Foundation

/// The files of a `.tar`, read in place, or of a `.tar.gz`, unpacked in memory.
///
/// The archive is listed once. Links, absolute paths and ".." are refused: no data set needs them.
struct TarTree: FileTree {
    let name: String
    let paths: [String]
    private let ranges: [Range<Int>]
    private let storage: Storage

    private enum Storage {
        case file(InputFile)
        case memory([UInt8])
    }

    /// The most that a `.tar.gz` may unpack to, in bytes.
    static let maximumUnpackedSize = 8 << 30
    private static let maximumEntries = 50_000_000

    /// - Throws: `FileError` if the archive is damaged, cut short, or holds what it must not.
    init(_ file: InputFile) throws(FileError) {
        let storage: Storage
        if isGzip(try file.read(0..<min(2, file.size))) {
            let packed = try file.contents(limit: Self.maximumUnpackedSize)
            storage = .memory(try gunzip(packed, limit: Self.maximumUnpackedSize, name: file.name))
        } else {
            storage = .file(file)
        }
        try self.init(storage, name: file.name)
    }

    /// An uncompressed tar in memory.
    init(bytes: [UInt8], name: String) throws(FileError) {
        try self.init(.memory(bytes), name: name)
    }

    private init(_ storage: Storage, name: String) throws(FileError) {
        var entries: [(path: String, range: Range<Int>)] = []
        switch storage {
        case .file(let file):
            let archive = try file.openTar()
            defer { ci_archive_free(archive) }
            entries = try Self.list(archive, size: file.size, name: name)
        case .memory(let bytes):
            // The archive keeps the pointer, so it must be opened, listed and closed inside.
            let result = bytes.withUnsafeBufferPointer { buffer in
                Result { () throws(FileError) in
                    let archive = try opened(name) { ci_tar_open(-1, buffer.baseAddress, buffer.count, $0) }
                    defer { ci_archive_free(archive) }
                    return try Self.list(archive, size: buffer.count, name: name)
                }
            }
            entries = try result.get()
        }
        entries.sort { bytewise($0.path, $1.path) }
        for (one, next) in zip(entries, entries.dropFirst()) where one.path == next.path {
            throw FileError(name, "holds two files named \(one.path)")
        }
        self.name = name
        self.storage = storage
        paths = entries.map(\.path)
        ranges = entries.map(\.range)
    }

    private static func list(
        _ archive: OpaquePointer, size: Int, name: String
    ) throws(FileError) -> [(path: String, range: Range<Int>)] {
        var entries: [(path: String, range: Range<Int>)] = []
        var entry = ci_entry()
        while try checked(name, { ci_archive_next(archive, &entry, $0) }) == 1 {
            let path = String(cString: entry.path)
            let parts = path.split(separator: "/", omittingEmptySubsequences: true).filter { $0 != "." }
            guard !path.hasPrefix("/"), !parts.contains("..") else {
                throw FileError(name, "holds the path '\(path)', which points out of the archive")
            }
            switch Int(entry.kind) {
            case Int(CI_FOLDER): continue
            case Int(CI_FILE): break
            default:
                throw FileError(
                    name, "holds '\(path)', which is a link or a special file",
                    remedy: "Pack the archive again with plain files only")
            }
            guard let last = parts.last, !parts.contains(where: { $0.hasPrefix(".") }) else { continue }
            let (offset, length) = (Int(entry.offset), Int(entry.size))
            guard offset >= 0, length >= 0, offset <= size, length <= size - offset else {
                throw FileError(name, "ends too early, inside '\(last)'")
            }
            guard entries.count < maximumEntries else { throw FileError(name, "holds too many files") }
            entries.append((parts.joined(separator: "/"), offset..<offset + length))
        }
        return entries
    }

    func contents(of index: Int, limit: Int) throws(FileError) -> [UInt8] {
        let range = ranges[index]
        guard range.count <= limit else {
            throw FileError(name(of: index), "is too large (\(range.count) bytes; the limit is \(limit))")
        }
        switch storage {
        case .file(let file): return try file.read(range)
        case .memory(let bytes): return Array(bytes[range])
        }
    }
}
