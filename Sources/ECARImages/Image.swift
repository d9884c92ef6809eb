import Files

/// An 8-bit picture: grey or sRGB.
///
/// Letters: H height, W width, C channels.
public struct Image: Sendable, Equatable {
    /// The longest side that is decoded or made, in pixels.
    public static let maximumSide = 16_384
    /// The largest area that is decoded or made, in pixels.
    public static let maximumPixels = 64 << 20

    public let width: Int
    public let height: Int
    /// 1 (grey) or 3 (red, green, blue).
    public let channels: Int
    /// The rows from top to bottom, channels innermost.
    public let pixels: [UInt8]  // (H, W, C)

    /// Takes pixels as they are.
    ///
    /// - Throws: `FileError` if the sizes are out of range or do not fit the number of pixels.
    public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) throws(FileError) {
        try Self.check(width: width, height: height, channels: channels)
        guard pixels.count == width * height * channels else {
            throw FileError(
                "an image",
                "has \(pixels.count) bytes, not the \(width * height * channels) of "
                    + "\(width)×\(height)×\(channels)")
        }
        self.init(unchecked: pixels, width: width, height: height, channels: channels)
    }

    /// A picture of one value.
    public init(width: Int, height: Int, channels: Int, fill: UInt8 = 0) throws(FileError) {
        try Self.check(width: width, height: height, channels: channels)
        let pixels = [UInt8](repeating: fill, count: width * height * channels)
        self.init(unchecked: pixels, width: width, height: height, channels: channels)
    }

    init(unchecked pixels: [UInt8], width: Int, height: Int, channels: Int) {
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }

    static func check(width: Int, height: Int, channels: Int) throws(FileError) {
        guard channels == 1 || channels == 3 else {
            throw FileError("an image", "cannot have \(channels) channels", remedy: "Use 1 (grey) or 3 (colour)")
        }
        guard (1...maximumSide).contains(width), (1...maximumSide).contains(height), width * height <= maximumPixels
        else {
            throw FileError(
                "an image", "cannot be \(width)×\(height) pixels",
                remedy: "The limits are \(maximumSide) pixels a side and \(maximumPixels) in all")
        }
    }
}

// MARK: - Planes

extension Image {
    /// Takes a model's output: planes in [−1, 1], rounded to bytes and clamped.
    ///
    /// - Throws: `FileError` if the sizes do not fit, or a value is not finite.
    public init(planes: [Float], channels: Int, height: Int, width: Int) throws(FileError) {  // (C, H, W)
        var bytes = [UInt8](repeating: 0, count: planes.count)
        for (i, value) in planes.enumerated() {
            guard value.isFinite else { throw FileError("an image", "has a value that is not finite (\(value))") }
            bytes[i] = UInt8(min(max((value * 127.5 + 127.5).rounded(), 0), 255))
        }
        try self.init(planes: bytes, channels: channels, height: height, width: width)
    }

    /// Takes planes of bytes.
    ///
    /// - Throws: `FileError` if the sizes do not fit.
    public init(planes: [UInt8], channels: Int, height: Int, width: Int) throws(FileError) {  // (C, H, W)
        try Self.check(width: width, height: height, channels: channels)
        let area = width * height
        guard planes.count == channels * area else {
            throw FileError(
                "an image", "has \(planes.count) values, not the \(channels * area) of \(channels)×\(height)×\(width)")
        }
        var pixels = planes
        if channels == 3 {
            for i in 0..<area {
                for c in 0..<3 { pixels[3 * i + c] = planes[c * area + i] }
            }
        }
        self.init(unchecked: pixels, width: width, height: height, channels: channels)
    }

    /// The pixels, one channel after the other.
    public var planes: [UInt8] {  // (C, H, W)
        var result = pixels
        result.withUnsafeMutableBufferPointer { writePlanes(into: $0) }
        return result
    }

    /// Writes the planes into memory of exactly C·H·W bytes, mirrored left to right if asked.
    func writePlanes(into target: UnsafeMutableBufferPointer<UInt8>, mirrored: Bool = false) {
        precondition(target.count == pixels.count, "the target must have room for the planes")
        pixels.withUnsafeBufferPointer { source in
            for c in 0..<channels {
                for y in 0..<height {
                    let row = (c * height + y) * width
                    var from = (y * width + (mirrored ? width - 1 : 0)) * channels + c
                    let step = mirrored ? -channels : channels
                    for x in 0..<width {
                        target[row + x] = source[from]
                        from += step
                    }
                }
            }
        }
    }
}
