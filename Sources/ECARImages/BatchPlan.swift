import Files

/// Which items of a data set make each step's batch: every item once a pass, in an order of the seed's.
///
/// A batch depends on the seed, its step and the number of items alone. Its places are numbered over all processes, which take
/// them in turns, so that how many share a batch changes nothing.
public struct BatchPlan: Sendable {
    /// An item's place in a batch, with random numbers of its own.
    public struct Item: Sendable {
        /// Its number in the data set.
        public let index: Int
        /// True for half of them, by chance.
        public let isMirrored: Bool
        var generator: SplitMix64
    }

    let count: Int
    let batchSize: Int
    let seed: UInt64
    let rank: Int
    let processes: Int

    /// - Parameters:
    ///   - count: Items of the data set.
    ///   - name: What errors call it.
    ///   - batchSize: Items of a step in this process.
    ///   - rank: This process among `processes` that share each step's batch.
    /// - Throws: `FileError` for a value out of range, or a data set smaller than one batch.
    public init(
        count: Int, of name: String, batchSize: Int, seed: UInt64, rank: Int = 0, processes: Int = 1
    ) throws(FileError) {
        let (globalBatch, overflow) = batchSize.multipliedReportingOverflow(by: processes)
        guard batchSize >= 1, processes >= 1, (0..<processes).contains(rank), !overflow else {
            throw FileError(
                "the batch loader",
                "needs a batch size and a rank in range, not \(batchSize) and \(rank) of \(processes)")
        }
        guard count >= globalBatch else {
            throw FileError(
                name, "has only \(count) images for batches of \(globalBatch)", remedy: "Use a smaller batch")
        }
        (self.count, self.batchSize, self.seed, self.rank, self.processes) = (count, batchSize, seed, rank, processes)
    }

    private var globalBatch: Int { batchSize * processes }

    /// Whole batches in one pass over the data; the items left over are dropped until the next shuffle.
    private var stepsPerEpoch: Int { count / globalBatch }

    /// The pass over the data that a step belongs to.
    func epoch(of step: Int) -> Int { step / stepsPerEpoch }

    /// The order of an epoch.
    func order(epoch: Int) -> [Int] {
        var generator = SplitMix64(mixing: seed, UInt64(epoch), 0x0D)
        return generator.permutation(count)
    }

    /// - Parameter order: Of the step's epoch.
    func items(step: Int, order: [Int]) -> [Item] {
        stride(from: rank, to: globalBatch, by: processes).map { place in
            var generator = SplitMix64(mixing: seed, UInt64(step), UInt64(place), 0xA6)
            // Always drawn, so that one option does not change what another one gets.
            let isMirrored = generator.uniform() < 0.5
            return Item(
                index: order[step % stepsPerEpoch * globalBatch + place], isMirrored: isMirrored, generator: generator)
        }
    }
}
