import CImages
import Files
import Foundation

/// Reads all arrays of a NumPy `.npz` file, by name without ".npy".
///
/// - Parameter maximumBytes: the most that all arrays together may take in memory.
/// - Throws: `FileError` if the file is missing, damaged, too large, or holds something else than arrays of numbers.
public func readNpz(_ url: URL, maximumBytes: Int = 16 << 30) throws(FileError) -> [String: NumpyArray] {
    let file = try InputFile(url)
    guard try file.read(0..<min(2, file.size)) == Array("PK".utf8) else {
        throw FileError(file.name, "is not an .npz file")
    }
    let archive = try opened(file.name) { ci_zip_open(url.path, $0) }
    defer { ci_archive_free(archive) }
    var result: [String: NumpyArray] = [:]
    var entry = ci_entry()
    var room = maximumBytes
    while try checked(file.name, { ci_archive_next(archive, &entry, $0) }) == 1 {
        let path = String(cString: entry.path)
        guard path.hasSuffix(".npy") else { throw FileError(file.name, "holds '\(path)', which is no .npy array") }
        var content = ci_bytes()
        let name = "\(file.name)/\(path)"
        try checked(name) { ci_archive_content(archive, room, &content, $0) }
        room -= content.size
        result[String(path.dropLast(4))] = try NumpyArray(file: content.take(), name: name)
    }
    guard !result.isEmpty else { throw FileError(file.name, "holds no arrays") }
    return result
}

/// Writes arrays as a NumPy `.npz` file, uncompressed and atomically, in the order of their names.
///
/// - Throws: `FileError` if the file cannot be written.
public func writeNpz(_ arrays: [String: NumpyArray], to url: URL) throws(FileError) {
    let writer = try ZipWriter(url)
    for (name, array) in arrays.sorted(by: { $0.key < $1.key }) {
        let header = NumpyArray.header(type: array.type, shape: array.shape)
        try writer.begin("\(name).npy", size: header.count + array.bytes.count)
        try writer.write(header)
        try writer.write(array.bytes)
    }
    try writer.finish()
}

/// Writes generated pictures one by one as guided-diffusion's evaluator reads them: `arr_0` uint8 (N, H, W, 3) and
/// `arr_1` int64 labels (N).
///
/// The file appears under its name when `finish()` returns; without it, nothing is left behind.
public final class NpzWriter {
    private let writer: ZipWriter
    private let name: String
    private let count: Int
    private let height: Int
    private let width: Int
    private var labels: [Int64] = []

    /// - Throws: `FileError` if the file cannot be created.
    public init(_ url: URL, count: Int, height: Int, width: Int) throws(FileError) {
        let shape = [count, height, width, 3]
        guard let size = NumpyArray.byteCount(type: "|u1", shape: shape), size > 0 else {
            throw FileError(url.path, "cannot hold \(count) images of \(width)×\(height) pixels")
        }
        name = url.path
        self.count = count
        self.height = height
        self.width = width
        writer = try ZipWriter(url)
        let header = NumpyArray.header(type: "|u1", shape: shape)
        try writer.begin("arr_0.npy", size: header.count + size)
        try writer.write(header)
    }

    /// Adds the next picture; grey becomes colour.
    ///
    /// - Throws: `FileError` for a picture of another size, one too many, or a full disk.
    public func append(_ image: Image, label: Int) throws(FileError) {
        guard image.width == width, image.height == height else {
            throw FileError(name, "takes images of \(width)×\(height) pixels, not \(image.width)×\(image.height)")
        }
        guard labels.count < count else { throw FileError(name, "has got its \(count) images already") }
        try writer.write(try image.converted(channels: 3).pixels)
        labels.append(Int64(label))
    }

    /// Writes the labels and gives the file its name.
    ///
    /// - Throws: `FileError` if pictures are missing, or the file cannot be written.
    public func finish() throws(FileError) {
        guard labels.count == count else {
            throw FileError(name, "has got \(labels.count) of its \(count) images")
        }
        let header = NumpyArray.header(type: "<i8", shape: [count])
        try writer.begin("arr_1.npy", size: header.count + 8 * count)
        try writer.write(header)
        try writer.write(labels.flatMap { label in (0..<8).map { UInt8(truncatingIfNeeded: label >> (8 * $0)) } })
        try writer.finish()
    }
}

/// An uncompressed zip that appears under its name once it is whole.
private final class ZipWriter {
    private let file: AtomicFile
    private let zip: OpaquePointer

    init(_ url: URL) throws(FileError) {
        let file = try AtomicFile(url)
        zip = try file.withDescriptor { (descriptor) throws(FileError) in
            try opened(url.path) { ci_zip_create(descriptor, $0) }
        }
        self.file = file
    }

    deinit { ci_zip_free(zip) }

    func begin(_ path: String, size: Int) throws(FileError) {
        try checked(file.target.path) { ci_zip_entry(zip, path, Int64(size), $0) }
    }

    func write(_ bytes: [UInt8]) throws(FileError) {
        try checked(file.target.path) { ci_zip_write(zip, bytes, bytes.count, $0) }
    }

    func finish() throws(FileError) {
        try checked(file.target.path) { ci_zip_close(zip, $0) }
        try file.commit()
    }
}
