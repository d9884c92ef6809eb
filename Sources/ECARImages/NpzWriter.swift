import CImages
import Files
import Foundation

/// Writes arrays as a NumPy `.npz` file, uncompressed and atomically, in the order of their names.
///
/// - Throws: `FileError` if the file cannot be written.
public func writeNpz(_ arrays: [String: NumpyArray], to url: URL) throws(FileError) {
    let writer = try ZipWriter(url)
    for (name, array) in arrays.sorted(by: { $0.key < $1.key }) {
        let header = NumpyHeader.encode(type: array.type, shape: array.shape)
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
        guard let size = NumpyHeader.byteCount(type: "|u1", shape: shape), size > 0 else {
            throw FileError(url.path, "cannot hold \(count) images of \(width)×\(height) pixels")
        }
        name = url.path
        self.count = count
        self.height = height
        self.width = width
        writer = try ZipWriter(url)
        let header = NumpyHeader.encode(type: "|u1", shape: shape)
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
        let header = NumpyHeader.encode(type: "<i8", shape: [count])
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
