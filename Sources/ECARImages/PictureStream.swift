import Files
import Foundation

/// Consecutive pictures of a data set as bytes, without those that could not be read.
public struct PictureRun: Sendable {
    /// Where the pictures stand in the data set, ascending.
    public let indices: [Int]
    /// Values 0 … 255.
    public let pixels: [UInt8]  // (B, H, W, C)
    public let labels: [Int]  // (B)
    /// The pictures left out, and why.
    public let failures: [(index: Int, error: FileError)]
}

/// Reads a data set once, from front to back, on background threads.
public final class PictureStream: Sendable {
    private let queue: OrderedQueue<PictureRun>

    /// Starts reading.
    ///
    /// - Parameters:
    ///   - ranges: the pictures that each `next()` gives, by their places in the data set.
    ///   - side: the side of the square pictures that come out, in pixels.
    ///   - channels: 1 or 3; pictures are converted.
    ///   - fit: how a picture becomes a square.
    /// - Throws: `FileError` for a value out of range.
    public init(
        dataset: any ImageDataset, ranges: [Range<Int>], side: Int, channels: Int, fit: ImageFit, threads: Int = 2
    ) throws(FileError) {
        guard threads >= 1, ranges.allSatisfy({ 0 <= $0.lowerBound && $0.upperBound <= dataset.count }) else {
            throw FileError(
                "the picture stream", "needs a thread, and pictures among the \(dataset.count) of the data set")
        }
        let transform = try PictureTransform(side: side, channels: channels, fit: fit)
        queue = OrderedQueue(ranges.indices, capacity: threads + 2) { number in
            PictureRun(dataset, ranges[number], transform)
        }
        queue.start(threads: threads, name: "picture stream")
    }

    deinit { queue.stop() }

    /// Waits for the pictures of the next range; nil after the last one.
    public func next() -> PictureRun? { queue.next() }
}

extension PictureRun {
    fileprivate init(_ dataset: any ImageDataset, _ range: Range<Int>, _ transform: PictureTransform) {
        let size = transform.channels * transform.side * transform.side
        var pixels: [UInt8] = []
        pixels.reserveCapacity(range.count * size)
        var indices: [Int] = []
        var failures: [(index: Int, error: FileError)] = []
        for index in range {
            do throws(FileError) {
                pixels += try transform.apply(dataset.image(index)).pixels
                indices.append(index)
            } catch {
                failures.append((index, error))
            }
        }
        self.init(indices: indices, pixels: pixels, labels: indices.map(dataset.label), failures: failures)
    }
}
