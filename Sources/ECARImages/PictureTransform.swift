import Files

/// How a picture becomes a square of the model's size.
public enum ImageFit: String, Codable, Sendable, CaseIterable {
    /// Centred on black; a picture that is too large is shrunk first.
    case pad
    /// A square is cut out and scaled.
    case crop
}

/// Fits, crops, mirrors and converts pictures for training.
package struct PictureTransform: Sendable {
    let side: Int
    let channels: Int
    let fit: ImageFit
    let flip: Bool
    let randomCrop: Double

    /// - Throws: `FileError` for a value out of range.
    package init(
        side: Int, channels: Int, fit: ImageFit, flip: Bool = false, randomCrop: Double = 0
    ) throws(FileError) {
        try Image.check(width: side, height: side, channels: channels)
        guard (0..<1).contains(randomCrop) else {
            throw FileError("randomCrop", "must lie in 0 ..< 1, not \(randomCrop)")
        }
        guard fit == .crop || randomCrop == 0 else {
            throw FileError(
                "randomCrop", "works with the fit 'crop' only", remedy: "Set it to 0, or the fit to 'crop'")
        }
        self.side = side
        self.channels = channels
        self.fit = fit
        self.flip = flip
        self.randomCrop = randomCrop
    }

    /// A picture of side×side pixels, not mirrored yet.
    ///
    /// - Parameter item: The picture's place in a batch, whose random numbers choose the crop; without it nothing is left to
    ///   chance.
    package func apply(_ image: Image, _ item: BatchPlan.Item? = nil) throws(FileError) -> Image {
        var picture = image
        switch fit {
        case .pad:
            let longest = max(image.width, image.height)
            if longest > side {
                picture = try image.resized(
                    width: max(image.width * side / longest, 1), height: max(image.height * side / longest, 1))
            }
            picture = try picture.padded(width: side, height: side)
        case .crop:
            if randomCrop > 0, var generator = item?.generator {
                picture = try randomSquare(of: image, using: &generator)
            } else {
                picture = image.croppedSquare()
            }
            picture = try picture.resized(width: side, height: side)
        }
        return try picture.converted(channels: channels)
    }

    private func randomSquare(of image: Image, using generator: inout SplitMix64) throws(FileError) -> Image {
        let shortest = min(image.width, image.height)
        let fraction = 1 - randomCrop * generator.uniform()
        let size = min(max(Int((Double(shortest) * fraction).rounded()), 1), shortest)
        let x = generator.below(image.width - size + 1)
        let y = generator.below(image.height - size + 1)
        return try image.cropped(x: x, y: y, width: size, height: size)
    }
}
