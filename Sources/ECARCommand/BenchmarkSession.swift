import ECARBenchmark
import Foundation

/// Times all cases in turns: each once, then each once more, so that whatever slows the machine for a while slows no case
/// alone.
struct BenchmarkSession {
    struct Entry {
        let what: BenchmarkCase
        let cost: BenchmarkCost
        var runs: [BenchmarkRun] = []
        var memory: Int?
        var loadMemory: Int?
        var loadSeconds = 0.0
    }

    private(set) var entries: [Entry]
    /// The highest that was seen, before every round.
    private(set) var peak = MachinePeak()
    let compute: ComputeOptions
    /// Nil where the work is not done by the processor.
    let peakThreads: Int?
    let isQuiet: Bool

    private static let peakSeconds = 0.4
    private static let processBytes = 4e8

    init(_ cases: [(BenchmarkCase, BenchmarkCost)], compute: ComputeOptions, peakThreads: Int?, isQuiet: Bool) {
        entries = cases.map { Entry(what: $0, cost: $1) }
        (self.compute, self.peakThreads, self.isQuiet) = (compute, peakThreads, isQuiet)
    }

    /// Whether all models can be in memory at once, each in its process.
    var fitsInMemory: Bool {
        guard let available = ProcessMemory.available else { return entries.count == 1 }
        let needed = entries.reduce(0) { sum, entry in
            let working = entry.cost.workingBytes * Double(entry.what.batch)
            return sum + entry.what.weightBytes(entry.cost.parameters) + working + Self.processBytes
        }
        return needed < 0.8 * Double(available)
    }

    mutating func run(rounds: Int, keepingAll: Bool) throws {
        var processes: [BenchmarkProcess?] = entries.map { _ in nil }
        if keepingAll {
            let bar = ProgressBar("preparing", total: entries.count, unit: "models", isQuiet: isQuiet)
            defer { bar.finish() }
            for index in entries.indices {
                bar.update(index, note: entries[index].what.name)
                processes[index] = try prepare(index)
            }
            bar.update(entries.count)
        }
        let macs = entries.map { $0.cost.macs * Double($0.what.batch) }
        let bar = ProgressBar(
            "timing", total: max(1, Self.giga(macs.reduce(0, +) * Double(rounds))), unit: "GMACs", isQuiet: isQuiet)
        defer { bar.finish() }
        var done = 0.0
        for round in 1...rounds {
            if let peakThreads { peak.formMaximum(MachinePeak(threads: peakThreads, seconds: Self.peakSeconds)) }
            for index in entries.indices {
                try Interrupt.check()
                let note = "round \(round)/\(rounds), \(entries[index].what.name)"
                bar.update(Self.giga(done), note: note)
                let process = try processes[index] ?? prepare(index)
                let (run, memory) = try process.run { share in
                    bar.update(Self.giga(done + share * macs[index]), note: note)
                }
                entries[index].runs.append(run)
                entries[index].memory = [entries[index].memory, memory].compactMap { $0 }.max()
                done += macs[index]
            }
        }
        bar.update(max(1, Self.giga(done)))
    }

    private mutating func prepare(_ index: Int) throws -> BenchmarkProcess {
        let process = try BenchmarkProcess(entries[index].what, compute: compute)
        let (seconds, memory) = try process.prepare()
        entries[index].loadSeconds = seconds
        entries[index].loadMemory = [entries[index].loadMemory, memory].compactMap { $0 }.max()
        return process
    }

    private static func giga(_ macs: Double) -> Int { Int(min(macs / 1e9, 1e15)) }
}
