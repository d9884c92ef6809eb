import Files

/// Which items of a data set make each step's batch: every item once a pass, or as often as it is told, in an order of the
/// seed's.
///
/// A batch depends on the seed, its step, the number of items and their frequencies alone. Its places are numbered over all processes, which take
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
    let frequencies: [Double]?
    let batchSize: Int
    let seed: UInt64
    let rank: Int
    let processes: Int

    /// - Parameters:
    ///   - count: Items of the data set.
    ///   - name: What errors call it.
    ///   - frequencies: How often each item is to come in a pass, on average; their mean is 1. Without them, once.
    ///   - batchSize: Items of a step in this process.
    ///   - rank: This process among `processes` that share each step's batch.
    /// - Throws: `FileError` for a value out of range, or a data set smaller than one batch.
    public init(
        count: Int, of name: String, frequencies: [Double]? = nil, batchSize: Int, seed: UInt64, rank: Int = 0,
        processes: Int = 1
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
        if let frequencies {
            let total = frequencies.reduce(0, +)
            guard frequencies.count == count, frequencies.allSatisfy({ $0 >= 0 }), abs(total / Double(count) - 1) < 1e-6
            else { throw FileError("the batch loader", "needs a frequency for every image, 1 on average") }
        }
        (self.count, self.frequencies, self.batchSize, self.seed) = (count, frequencies, batchSize, seed)
        (self.rank, self.processes) = (rank, processes)
    }

    private var globalBatch: Int { batchSize * processes }

    /// Whole batches in one pass over the data; the items left over are dropped until the next shuffle.
    private var stepsPerEpoch: Int { count / globalBatch }

    /// The pass over the data that a step belongs to.
    func epoch(of step: Int) -> Int { step / stepsPerEpoch }

    /// The order of an epoch.
    func order(epoch: Int) -> [Int] {
        var generator = SplitMix64(mixing: seed, UInt64(epoch), 0x0D)
        let order = generator.permutation(count)
        guard let frequencies else { return order }
        // Systematic sampling: marks at distance 1 along the frequencies, laid end to end in an order of chance. An item comes as
        // often as its frequency says, rounded down or up.
        var mark = generator.uniform()
        var (drawn, end) = ([Int](), 0.0)
        for index in order {
            end += frequencies[index]
            while mark < end, drawn.count < count {
                drawn.append(index)
                mark += 1
            }
        }
        // The last mark may lie beyond the end by an error of rounding.
        while drawn.count < count { drawn.append(order[count - 1]) }
        return generator.permutation(count).map { drawn[$0] }
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
