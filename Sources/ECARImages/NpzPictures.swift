import Files
import Foundation

/// The pictures of an `.npz` file as guided-diffusion keeps them, read from front to back: `arr_0` uint8 (N, H, W, 3),
/// (N, H, W, 1) or (N, H, W), and, where there are labels, `arr_1` whole numbers (N).
public final class NpzPictures {
    /// N, at least 1.
    public let count: Int
    public let height: Int
    public let width: Int
    /// 1 or 3.
    public let channels: Int
    /// N of them, where the file has some.
    public let labels: [Int]?
    private let reader: NpzReader
    private var position = 0

    /// Opens the file and reads the labels.
    ///
    /// - Throws: `FileError` if the file is missing or damaged, or its arrays are not those of pictures.
    public init(_ url: URL) throws(FileError) {
        let (shape, labels) = try Self.survey(url)
        (count, height, width, channels) = shape
        self.labels = labels
        reader = try NpzReader(url)
        while let name = try reader.next(), name != "arr_0" {}
        // The file may have changed since it was surveyed.
        guard try Self.sizes(try reader.header(), name: reader.entry) == shape else {
            throw FileError(reader.file, "has changed while it was read")
        }
    }

    /// Reads the next pictures, at most `limit`; none after the last one.
    ///
    /// - Throws: `FileError` if the file is damaged or ends too early.
    public func next(_ limit: Int) throws(FileError) -> [Image] {
        var result: [Image] = []
        while position < count, result.count < limit {
            let pixels = try reader.read(height * width * channels)
            position += 1
            if position == count { try reader.finish() }
            result.append(Image(unchecked: pixels, width: width, height: height, channels: channels))
        }
        return result
    }

    private typealias Sizes = (count: Int, height: Int, width: Int, channels: Int)

    /// Looks through the file without reading its pictures; the labels are read once they are known to be as many.
    private static func survey(_ url: URL) throws(FileError) -> (Sizes, labels: [Int]?) {
        let reader = try NpzReader(url)
        var found: Sizes?
        var labels: NumpyHeader?
        while let name = try reader.next() {
            if name == "arr_0" { found = try sizes(try reader.header(), name: reader.entry) }
            if name == "arr_1" { labels = try labelsHeader(reader) }
        }
        guard let found else {
            throw FileError(
                reader.file, "holds no array arr_0 with pictures",
                remedy: "Save them with numpy.savez(path, pictures), as uint8 of shape (N, H, W, 3)")
        }
        guard let labels else { return (found, nil) }
        guard labels.shape == [found.count] else {
            throw FileError(reader.file, "holds \(found.count) pictures but \(labels.shape[0]) labels")
        }
        return (found, try Self.labels(url, labels))
    }

    private static func sizes(_ header: NumpyHeader, name: String) throws(FileError) -> Sizes {
        let remedy = "Save them as uint8, row-major, of shape (N, H, W, 3)"
        guard header.type == "|u1" else {
            throw FileError(name, "holds values of type \(header.type) instead of pictures", remedy: remedy)
        }
        let shape = header.shape.count == 3 ? header.shape + [1] : header.shape
        guard shape.count == 4, shape[3] == 1 || shape[3] == 3, shape[0] > 0 else {
            throw FileError(name, "has the shape \(header.shape), which is not that of pictures", remedy: remedy)
        }
        guard !header.isColumnMajor else { throw FileError(name, "is column-major", remedy: remedy) }
        do {
            try Image.check(width: shape[2], height: shape[1], channels: shape[3])
        } catch {
            throw FileError(name, "holds pictures of an impossible size: \(error.file) \(error.cause)")
        }
        return (shape[0], shape[1], shape[2], shape[3])
    }

    private static func labelsHeader(_ reader: NpzReader) throws(FileError) -> NumpyHeader {
        let header = try reader.header()
        let kind = header.type.dropFirst().first
        guard header.shape.count == 1, kind == "i" || kind == "u" else {
            throw FileError(
                reader.entry,
                "has the type \(header.type) and the shape \(header.shape), which are not those of labels",
                remedy: "Save them as int64, one for each picture")
        }
        return header
    }

    private static func labels(_ url: URL, _ header: NumpyHeader) throws(FileError) -> [Int] {
        let reader = try NpzReader(url)
        while let name = try reader.next(), name != "arr_1" {}
        guard try reader.header() == header else { throw FileError(reader.file, "has changed while it was read") }
        let bytes = try reader.read(header.byteCount)
        try reader.finish()
        return try NumpyArray(header, bytes: bytes).integers()
    }
}
