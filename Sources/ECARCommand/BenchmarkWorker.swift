import ArgumentParser
import ECARBenchmark
import Foundation
import Torch

/// What the benchmark tells the process that measures one case, and what that answers: one line of JSON each.
enum BenchmarkOrder: Codable {
    case prepare(BenchmarkCase)
    case run
}

enum BenchmarkAnswer: Codable {
    /// The model is ready, after so many bytes of memory at the most.
    case prepared(memory: Int?)
    /// The share of a run that is done.
    case progress(Double)
    /// What a run took, and the most bytes of memory that the process has had since the model was ready.
    case ran(BenchmarkRun, memory: Int?)
    /// One sentence.
    case failed(String)
}

/// The process that measures one case alone, so that its memory is that case's. `ecar benchmark` starts it.
struct BenchmarkWorker: ParsableCommand {
    static let name = "benchmark-worker"

    static let configuration = CommandConfiguration(
        commandName: name, abstract: "Measure one case for `ecar benchmark`.", shouldDisplay: false)

    @OptionGroup var compute: ComputeOptions

    func run() throws {
        let device = try compute.prepare()
        var sampler: (any BenchmarkSampler)?
        do {
            // The input ends when the benchmark wants no more, or is gone.
            while let line = readLine() {
                switch try JSONDecoder().decode(BenchmarkOrder.self, from: Data(line.utf8)) {
                case .prepare(let what):
                    let prepared = try BenchmarkModels.subject(what.model).prepare(what, device: device)
                    let memory = ProcessMemory.peak
                    _ = ProcessMemory.startPeakAnew()
                    // Not earlier, or the weights that were packed would stay beside those that they became.
                    Runtime.keepFreedMemory()
                    try prepared.warmUp()
                    sampler = prepared
                    try answer(.prepared(memory: memory))
                case .run:
                    guard let sampler else { throw CommandError.failure("there is no model yet") }
                    try answer(.ran(measure(sampler), memory: ProcessMemory.peak))
                }
            }
        } catch is NobodyListens {
            throw CommandError(message: nil, status: 1)
        } catch let error as CommandError {
            try? answer(.failed(error.message ?? "stopped"))
        } catch {
            try? answer(.failed("\(error)"))
        }
    }

    /// The benchmark is gone, and the work in vain.
    private struct NobodyListens: Error {}

    private func measure(_ sampler: any BenchmarkSampler) throws -> BenchmarkRun {
        let clock = ContinuousClock()
        var told = clock.now
        return try BenchmarkRun.measure(sampler) { share in
            guard clock.now - told > .milliseconds(100) else { return }
            told = clock.now
            try answer(.progress(share))
        }
    }

    private func answer(_ answer: BenchmarkAnswer) throws {
        let line = String(decoding: try JSONEncoder().encode(answer), as: UTF8.self)
        do { try Terminal.print(line) } catch { throw NobodyListens() }
    }
}
