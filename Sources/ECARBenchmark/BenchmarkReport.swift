import Foundation
import TorchNN

/// What a benchmark measured, and where.
public struct BenchmarkReport: Codable, Sendable, Equatable {
    public var machine: Machine
    /// How to do it again.
    public var command: String
    public var version: String
    /// How often each case was timed, in turns with the others.
    public var rounds: Int
    public var results: [Result]
    /// How cost grows with the size of the picture, where that was asked for.
    public var scaling: [Scaling.Point]?
    /// What a reader must know of how it was measured.
    public var notes: [String]

    public init(
        machine: Machine, command: String, version: String, rounds: Int, results: [Result], notes: [String] = []
    ) {
        (self.machine, self.command, self.version) = (machine, command, version)
        (self.rounds, self.results, self.notes) = (rounds, results, notes)
    }

    /// One case. Seconds are medians, of a whole batch; multiply–accumulates are those of one image.
    public struct Result: Codable, Sendable, Equatable {
        public struct Stage: Codable, Sendable, Equatable {
            public let side: Int
            public let tokens: Int
            public let seconds: Double
            public let macs: Double
        }

        public let model: String
        public let precision: Precision
        public let batch: Int
        public let steps: Int
        public let guided: Bool
        public let parameters: Int
        public let macs: Double
        public let seconds: Double
        /// Of every round.
        public let secondsAll: [Double]
        public let imagesPerSecond: Double
        /// Two operations a multiply–accumulate.
        public let gflops: Double
        /// The share of the machine's peak in this precision.
        public let peakShare: OrNull<Double>
        /// The most that a process that does this case alone has had while sampling, weights included.
        public let peakMemoryBytes: OrNull<Int>
        /// The most that it has had before, while loading.
        public let loadMemoryBytes: OrNull<Int>
        /// From the start of the process until the model is ready.
        public let loadSeconds: Double
        public let stages: [Stage]

        /// "E-CAR-L bf16", and the batch where it is not 1.
        public var name: String { BenchmarkCase(model: model, precision: precision, batch: batch).name }

        /// - Returns: Nil where there are no runs.
        public init?(
            _ what: BenchmarkCase, _ cost: BenchmarkCost, runs: [BenchmarkRun], memory: Int?, loadMemory: Int? = nil,
            loadSeconds: Double, peak: MachinePeak
        ) {
            guard let spread = Spread(runs.map(\.seconds)) else { return nil }
            (model, precision, batch, guided) = (what.model, what.precision, what.batch, what.isGuided)
            (steps, parameters, macs) = (cost.steps, cost.parameters, cost.macs)
            (seconds, secondsAll, self.loadSeconds) = (spread.median, runs.map(\.seconds), loadSeconds)
            imagesPerSecond = Double(batch) / seconds
            gflops = 2 * macs * Double(batch) / seconds / 1e9
            peakShare = OrNull(peak[precision].map { [gflops] in gflops / $0 })
            (peakMemoryBytes, loadMemoryBytes) = (OrNull(memory), OrNull(loadMemory))
            stages = cost.stages.indices.map { index in
                let times = runs.compactMap { $0.stages.indices.contains(index) ? $0.stages[index] : nil }
                let stage = cost.stages[index]
                return Stage(
                    side: stage.side, tokens: stage.tokens, seconds: Spread(times)?.median ?? 0, macs: stage.macs)
            }
        }
    }

    /// As JSON: keys sorted and in snake_case.
    public func encoded() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return try encoder.encode(self)
    }

    public static func decoded(_ data: Data) throws -> BenchmarkReport {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(BenchmarkReport.self, from: data)
    }
}
