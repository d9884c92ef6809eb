import Files

/// A training batch of bytes.
public struct ImageBatch: Sendable, Equatable {
    public let step: Int
    /// Values 0 … 255.
    public let pixels: [UInt8]  // (B, C, H, W)
    public let labels: [Int]  // (B)
}

extension BatchLoader where Batch == ImageBatch {
    /// Starts loading pictures.
    ///
    /// - Parameters:
    ///   - side: The side of the square pictures that come out, in pixels.
    ///   - channels: 1 or 3; pictures are converted.
    ///   - fit: How a picture becomes a square.
    ///   - flip: Whether a picture is mirrored left to right with probability ½.
    ///   - randomCrop: With r > 0, `crop` takes a square of 1−r … 1 of the shorter side at a uniformly chosen place,
    ///     instead of the largest one in the centre.
    /// - Throws: `FileError` for a value out of range.
    public convenience init(
        dataset: any ImageDataset, plan: BatchPlan, side: Int, channels: Int, fit: ImageFit, flip: Bool = false,
        randomCrop: Double = 0, firstStep: Int = 0, threads: Int = 2
    ) throws(FileError) {
        let transform = try PictureTransform(
            side: side, channels: channels, fit: fit, flip: flip, randomCrop: randomCrop)
        try self.init(plan, firstStep: firstStep, threads: threads) { step, items in
            try ImageBatch(step: step, items: items, of: dataset, transform)
        }
    }
}

extension ImageBatch {
    fileprivate init(
        step: Int, items: [BatchPlan.Item], of dataset: any ImageDataset, _ transform: PictureTransform
    ) throws(FileError) {
        let size = transform.channels * transform.side * transform.side
        var pixels = [UInt8](repeating: 0, count: items.count * size)
        for (place, item) in items.enumerated() {
            let picture = try transform.apply(try dataset.image(item.index), item)
            pixels.withUnsafeMutableBufferPointer { all in
                let part = UnsafeMutableBufferPointer(rebasing: all[place * size..<(place + 1) * size])
                picture.writePlanes(into: part, mirrored: transform.flip && item.isMirrored)
            }
        }
        self.init(step: step, pixels: pixels, labels: items.map { dataset.label($0.index) })
    }
}
