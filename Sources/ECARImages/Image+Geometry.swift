import Files

extension Image {
    /// Scales the picture: bicubic, with the kernel widened when shrinking so that nothing aliases (as Pillow does).
    ///
    /// - Throws: `FileError` if the new size is out of range.
    public func resized(width: Int, height: Int) throws(FileError) -> Image {
        try Self.check(width: width, height: height, channels: channels)
        if width == self.width && height == self.height { return self }
        let across = ResamplingFilter(from: self.width, to: width)
        let down = ResamplingFilter(from: self.height, to: height)
        let pixels = resample(
            pixels, height: self.height, width: self.width, channels: channels, across: across, down: down)
        return Image(unchecked: pixels, width: width, height: height, channels: channels)
    }

    /// Repeats each pixel `factor` times across and down.
    ///
    /// - Throws: `FileError` if the new size is out of range.
    public func magnified(_ factor: Int) throws(FileError) -> Image {
        guard factor >= 1, factor <= Self.maximumSide else {
            throw FileError("an image", "cannot be magnified \(factor) times")
        }
        if factor == 1 { return self }
        try Self.check(width: width * factor, height: height * factor, channels: channels)
        var result: [UInt8] = []
        result.reserveCapacity(pixels.count * factor * factor)
        for y in 0..<height {
            let start = result.count
            for x in 0..<width {
                let pixel = pixels[(y * width + x) * channels..<(y * width + x + 1) * channels]
                for _ in 0..<factor { result.append(contentsOf: pixel) }
            }
            let row = Array(result[start...])
            for _ in 1..<factor { result.append(contentsOf: row) }
        }
        return Image(unchecked: result, width: width * factor, height: height * factor, channels: channels)
    }

    /// Cuts a rectangle out.
    ///
    /// - Throws: `FileError` if it does not lie inside the picture.
    public func cropped(x: Int, y: Int, width: Int, height: Int) throws(FileError) -> Image {
        guard x >= 0, y >= 0, width >= 1, height >= 1, width <= self.width - x, height <= self.height - y else {
            throw FileError(
                "an image", "of \(self.width)×\(self.height) pixels has no part \(width)×\(height) at (\(x), \(y))")
        }
        if width == self.width && height == self.height { return self }
        var result: [UInt8] = []
        result.reserveCapacity(width * height * channels)
        for row in y..<y + height {
            let start = (row * self.width + x) * channels
            result.append(contentsOf: pixels[start..<start + width * channels])
        }
        return Image(unchecked: result, width: width, height: height, channels: channels)
    }

    /// The largest centred square.
    public func croppedSquare() -> Image {
        let side = min(width, height)
        // The square always lies inside, so the crop cannot fail.
        return (try? cropped(x: (width - side) / 2, y: (height - side) / 2, width: side, height: side)) ?? self
    }

    /// Centres the picture on a larger ground of one value.
    ///
    /// - Throws: `FileError` if the ground is smaller than the picture.
    public func padded(width: Int, height: Int, fill: UInt8 = 0) throws(FileError) -> Image {
        guard width >= self.width, height >= self.height else {
            throw FileError(
                "an image", "of \(self.width)×\(self.height) pixels cannot be padded to \(width)×\(height)")
        }
        if width == self.width && height == self.height { return self }
        try Self.check(width: width, height: height, channels: channels)
        let left = (width - self.width) / 2
        let top = (height - self.height) / 2
        var result = [UInt8](repeating: fill, count: width * height * channels)
        let row = self.width * channels
        for y in 0..<self.height {
            let to = ((y + top) * width + left) * channels
            result.replaceSubrange(to..<to + row, with: pixels[y * row..<(y + 1) * row])
        }
        return Image(unchecked: result, width: width, height: height, channels: channels)
    }

    /// Grey becomes colour by repetition, colour grey by luma (ITU-R BT.601, rounded as Pillow's "L").
    ///
    /// - Throws: `FileError` for a number other than 1 or 3.
    public func converted(channels: Int) throws(FileError) -> Image {
        try Self.check(width: width, height: height, channels: channels)
        if channels == self.channels { return self }
        var result = [UInt8](repeating: 0, count: width * height * channels)
        for i in 0..<width * height {
            if channels == 3 {
                for c in 0..<3 { result[3 * i + c] = pixels[i] }
            } else {
                let (red, green, blue) = (Int(pixels[3 * i]), Int(pixels[3 * i + 1]), Int(pixels[3 * i + 2]))
                result[i] = UInt8((19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16)
            }
        }
        return Image(unchecked: result, width: width, height: height, channels: channels)
    }
}
