import CImages
import Files
import Foundation

extension Image {
    private static var limits: ci_limits { ci_limits(side: Int32(maximumSide), pixels: Int64(maximumPixels)) }
    /// The largest PNG or JPEG file that is opened, in bytes.
    static let maximumFileSize = 256 << 20
    private static let pngMagic: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    private static let jpegMagic: [UInt8] = [0xFF, 0xD8, 0xFF]

    // MARK: Decoding

    /// Reads a PNG or JPEG file, known by its content. EXIF orientation is not applied.
    ///
    /// - Throws: `FileError` if the file is missing, damaged, cut short, too large or of another kind.
    public static func read(_ url: URL) throws(FileError) -> Image {
        let file = try InputFile(url)
        return try decode(try file.contents(limit: maximumFileSize), name: file.name)
    }

    /// Decodes a PNG or JPEG, known by its content. Transparency is laid over white, 16 bits become 8.
    ///
    /// - Parameter name: what errors call the input.
    /// - Throws: `FileError` if the bytes are damaged, cut short, too large or of another kind.
    public static func decode(_ bytes: [UInt8], name: String) throws(FileError) -> Image {
        var result = ci_image()
        if bytes.starts(with: pngMagic) {
            try checked(name) { ci_png_read(bytes, bytes.count, limits, &result, nil, $0) }
        } else if bytes.starts(with: jpegMagic) {
            try checked(name) { ci_jpeg_read(bytes, bytes.count, limits, &result, $0) }
        } else {
            throw FileError(
                name, bytes.isEmpty ? "is empty" : "is neither a PNG nor a JPEG", remedy: "Convert it to one of them")
        }
        defer { ci_image_free(&result) }
        let (width, height, channels) = (Int(result.width), Int(result.height), Int(result.channels))
        try check(width: width, height: height, channels: channels)
        let pixels = Array(UnsafeBufferPointer(start: result.pixels, count: width * height * channels))
        return Image(unchecked: pixels, width: width, height: height, channels: channels)
    }

    /// Decodes a PNG or JPEG held in `Data`.
    public static func decode(_ bytes: Data, name: String) throws(FileError) -> Image {
        try decode([UInt8](bytes), name: name)
    }

    /// The text chunks (tEXt, zTXt, iTXt) of a PNG by keyword.
    ///
    /// - Throws: `FileError` if the PNG is damaged anywhere.
    public static func pngText(_ bytes: Data, name: String = "PNG") throws(FileError) -> [String: String] {
        try pngText([UInt8](bytes), name: name)
    }

    /// The text chunks of a PNG file.
    public static func pngText(_ url: URL) throws(FileError) -> [String: String] {
        let file = try InputFile(url)
        return try pngText(try file.contents(limit: maximumFileSize), name: file.name)
    }

    private static func pngText(_ bytes: [UInt8], name: String) throws(FileError) -> [String: String] {
        var image = ci_image()
        var texts = ci_texts()
        try checked(name) { ci_png_read(bytes, bytes.count, limits, &image, &texts, $0) }
        defer {
            ci_image_free(&image)
            ci_texts_free(&texts)
        }
        var result: [String: String] = [:]
        for item in UnsafeBufferPointer(start: texts.items, count: Int(texts.count)) {
            let value = UnsafeRawBufferPointer(start: item.value, count: item.length)
            result[String(cString: item.key)] = item.utf8 != 0 ? String(decoding: value, as: UTF8.self) : latin1(value)
        }
        return result
    }

    private static func latin1(_ bytes: UnsafeRawBufferPointer) -> String {
        var result = String.UnicodeScalarView()
        for byte in bytes { result.append(Unicode.Scalar(byte)) }
        return String(result)
    }

    // MARK: Encoding

    /// Encodes the picture as a PNG.
    ///
    /// - Parameter text: text chunks by keyword (1 to 79 ASCII characters); ASCII is stored as tEXt, the rest as iTXt.
    /// - Throws: `FileError` for a bad keyword or text with a null character.
    public func png(text: [String: String] = [:]) throws(FileError) -> Data {
        for (key, value) in text {
            let isPrintable = key.utf8.allSatisfy { (32...126).contains($0) }
            guard isPrintable, (1...79).contains(key.utf8.count), key.first != " ", key.last != " ",
                !key.contains("  "), !value.utf8.contains(0)
            else {
                throw FileError("PNG text '\(key)'", "has a keyword or a value that the format does not allow")
            }
        }
        let chunks = text.sorted { $0.key < $1.key }.map { key, value in
            ci_text(
                key: strdup(key), value: strdup(value), length: value.utf8.count,
                utf8: value.utf8.allSatisfy { $0 < 128 } ? 0 : 1)
        }
        defer {
            for chunk in chunks {
                free(chunk.key)
                free(chunk.value)
            }
        }
        var result = ci_bytes()
        var copy = pixels
        try copy.withUnsafeMutableBufferPointer { (buffer) throws(FileError) in
            var image = ci_image(
                width: Int32(width), height: Int32(height), channels: Int32(channels), pixels: buffer.baseAddress)
            try checked("PNG") { ci_png_write(&image, chunks, Int32(chunks.count), &result, $0) }
        }
        return Data(result.take())
    }

    /// Encodes the picture as a JPEG, colours at full resolution.
    ///
    /// - Parameter quality: 1 to 100.
    /// - Throws: `FileError` for a quality out of range.
    public func jpeg(quality: Int = 90) throws(FileError) -> Data {
        guard (1...100).contains(quality) else {
            throw FileError("a JPEG", "cannot have the quality \(quality)", remedy: "Use 1 to 100")
        }
        var result = ci_bytes()
        var copy = pixels
        try copy.withUnsafeMutableBufferPointer { (buffer) throws(FileError) in
            var image = ci_image(
                width: Int32(width), height: Int32(height), channels: Int32(channels), pixels: buffer.baseAddress)
            try checked("JPEG") { ci_jpeg_write(&image, Int32(quality), &result, $0) }
        }
        return Data(result.take())
    }

    /// Writes the picture as a PNG file, atomically.
    public func write(to url: URL, text: [String: String] = [:]) throws(FileError) {
        try writeAtomically(try png(text: text), to: url)
    }
}
