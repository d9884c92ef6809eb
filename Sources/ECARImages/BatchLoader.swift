import Files
import Foundation

/// A training batch of bytes.
public struct ImageBatch: Sendable, Equatable {
    public let step: Int
    /// Values 0 … 255.
    public let pixels: [UInt8]  // (B, C, H, W)
    public let labels: [Int]  // (B)
}

/// Makes training batches on background threads, a few steps ahead.
///
/// A batch depends on the data set, the seed and its step alone: any number of threads, and any first step, give the
/// same batches.
public final class BatchLoader: Sendable {
    /// Whole batches in one pass over the data; the images left over are dropped until the next shuffle.
    public let stepsPerEpoch: Int
    private let queue: BatchQueue

    /// Starts loading.
    ///
    /// - Parameters:
    ///   - batchSize: images of a step in this process.
    ///   - side: the side of the square pictures that come out, in pixels.
    ///   - channels: 1 or 3; pictures are converted.
    ///   - fit: how a picture becomes a square.
    ///   - flip: whether a picture is mirrored left to right with probability ½.
    ///   - randomCrop: with r > 0, `crop` takes a square of 1−r … 1 of the shorter side at a uniformly chosen place,
    ///     instead of the largest one in the centre.
    ///   - rank: this process among `processes` that share each step's batch.
    /// - Throws: `FileError` for a value out of range, or a data set smaller than one batch.
    public init(
        dataset: any ImageDataset, batchSize: Int, side: Int, channels: Int, fit: ImageFit, flip: Bool = false,
        randomCrop: Double = 0, seed: UInt64, firstStep: Int = 0, threads: Int = 2, rank: Int = 0, processes: Int = 1
    ) throws(FileError) {
        let (globalBatch, overflow) = batchSize.multipliedReportingOverflow(by: processes)
        guard batchSize >= 1, processes >= 1, (0..<processes).contains(rank), firstStep >= 0, threads >= 1, !overflow
        else {
            throw FileError(
                "the batch loader",
                "needs a batch size, a first step, a number of threads and a rank in range, not "
                    + "\(batchSize), \(firstStep), \(threads) and \(rank) of \(processes)")
        }
        guard dataset.count >= globalBatch else {
            throw FileError(
                dataset.name, "has only \(dataset.count) images for batches of \(globalBatch)",
                remedy: "Use a smaller batch")
        }
        let transform = try PictureTransform(
            side: side, channels: channels, fit: fit, flip: flip, randomCrop: randomCrop)
        stepsPerEpoch = dataset.count / globalBatch
        let plan = BatchPlan(
            dataset: dataset, transform: transform, batchSize: batchSize, seed: seed, rank: rank, processes: processes)
        queue = BatchQueue(firstStep: firstStep, capacity: threads + 2)
        for _ in 0..<threads {
            let thread = Thread { [queue] in queue.work(plan) }
            thread.name = "batch loader"
            thread.start()
        }
    }

    deinit { queue.stop() }

    /// Waits for the next step's batch.
    ///
    /// - Throws: `FileError` if one of its pictures cannot be read, and from then on; or after `stop()`.
    public func next() throws(FileError) -> ImageBatch { try queue.next() }

    /// Ends the threads. The loader does so itself when it is released.
    public func stop() { queue.stop() }
}

/// Which pictures make a step's batch, and how.
struct BatchPlan: Sendable {
    let dataset: any ImageDataset
    let transform: PictureTransform
    let batchSize: Int
    let seed: UInt64
    let rank: Int
    let processes: Int

    private var globalBatch: Int { batchSize * processes }
    private var stepsPerEpoch: Int { dataset.count / globalBatch }

    /// The pass over the data that a step belongs to.
    func epoch(of step: Int) -> Int { step / stepsPerEpoch }

    /// The order of an epoch.
    func order(epoch: Int) -> [Int] {
        var generator = SplitMix64(mixing: seed, UInt64(epoch), 0x0D)
        return generator.permutation(dataset.count)
    }

    /// - Parameter order: of the step's epoch.
    func batch(step: Int, order: [Int]) throws(FileError) -> ImageBatch {
        let size = transform.channels * transform.side * transform.side
        var pixels = [UInt8](repeating: 0, count: batchSize * size)
        var labels: [Int] = []
        for item in 0..<batchSize {
            // Numbered over all processes, so that their number changes nothing.
            let place = rank * batchSize + item
            let index = order[step % stepsPerEpoch * globalBatch + place]
            var generator = SplitMix64(mixing: seed, UInt64(step), UInt64(place), 0xA6)
            let (picture, mirrored) = try transform.apply(try dataset.image(index), using: &generator)
            pixels.withUnsafeMutableBufferPointer { all in
                let part = UnsafeMutableBufferPointer(rebasing: all[item * size..<(item + 1) * size])
                picture.writePlanes(into: part, mirrored: mirrored)
            }
            labels.append(dataset.label(index))
        }
        return ImageBatch(step: step, pixels: pixels, labels: labels)
    }
}

/// Hands steps out to threads and their batches back in order. All state is guarded by the condition.
private final class BatchQueue: @unchecked Sendable {
    private let condition = NSCondition()
    private let capacity: Int
    private var nextToMake: Int
    private var nextToGive: Int
    private var ready: [Int: Result<ImageBatch, FileError>] = [:]
    private var orders: [Int: [Int]] = [:]
    private var isStopped = false

    init(firstStep: Int, capacity: Int) {
        self.capacity = capacity
        nextToMake = firstStep
        nextToGive = firstStep
    }

    func work(_ plan: BatchPlan) {
        while let (step, order) = claim(plan) {
            let result = Result { () throws(FileError) in try plan.batch(step: step, order: order) }
            condition.withLock {
                ready[step] = result
                condition.broadcast()
            }
        }
    }

    /// Waits for room, then takes the next step; nil when stopped.
    private func claim(_ plan: BatchPlan) -> (step: Int, order: [Int])? {
        condition.withLock {
            while !isStopped && nextToMake >= nextToGive + capacity { condition.wait() }
            if isStopped { return nil }
            let step = nextToMake
            nextToMake += 1
            let epoch = plan.epoch(of: step)
            let order = orders[epoch] ?? plan.order(epoch: epoch)
            orders = orders.filter { $0.key >= epoch - 1 }
            orders[epoch] = order
            return (step, order)
        }
    }

    func next() throws(FileError) -> ImageBatch {
        let result = condition.withLock {
            while !isStopped && ready[nextToGive] == nil { condition.wait() }
            let result = ready[nextToGive]
            // A failed step stays, so that the error comes again instead of a wait without end.
            if case .success? = result {
                ready[nextToGive] = nil
                nextToGive += 1
                condition.broadcast()
            }
            return result
        }
        guard let result else { throw FileError("the batch loader", "has been stopped") }
        return try result.get()
    }

    func stop() {
        condition.withLock {
            isStopped = true
            condition.broadcast()
        }
    }
}
