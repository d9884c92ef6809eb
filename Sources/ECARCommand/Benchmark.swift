import ArgumentParser
import ECARBenchmark
import ECARPictures
import ECARReports
import Foundation
import Torch
import TorchNN

struct Benchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how fast models make images: time, MACs, share of the machine's peak, memory.",
        discussion: """
            Models: \(BenchmarkCatalogue.names.joined(separator: ", ")); all but MAR also for larger pictures, as in \
            E-CAR-L@512; and any model's name or folder. AR is a plain transformer of the preset's size that goes token by \
            token. Those without a folder get seeded random weights, which take the same time. Each case runs in a process \
            of its own, in turns with the others; the autoencoder is not part of it. The default takes about five minutes \
            on two fast cores.

              ecar benchmark --rounds 1
              ecar benchmark --models E-CAR-L,DiT-XL/2,MAR-B --precision f32,bf16 --output benchmark
              ecar benchmark --models default --batch 1,32 --guided --json
            """)

    @Option(help: ArgumentHelp("What to time. (default: \(Self.usualModels.joined(separator: ",")))", valueName: "a,b"))
    var models: [String] = []

    @Option(help: ArgumentHelp("The arithmetic of matrix products. (default: bf16)", valueName: "f32,bf16,int8"))
    var precision: [String] = []

    @Option(help: ArgumentHelp("Images at a time. (default: 1)", valueName: "n,m"))
    var batch: [String] = []

    @Option(
        help: ArgumentHelp(
            """
            Steps of the flow or the diffusion; with --scaling those at 256 pixels. AR models take one a token, whatever is \
            said. (default: 250; MAR: 100 a token; with a folder: the model's)
            """, valueName: "n"))
    var steps: Int?

    @Flag(help: "Use guidance, which doubles the work.")
    var guided = false

    @Option(
        help: ArgumentHelp("How often to time each case, in turns. (default: 3; with --scaling 1)", valueName: "n"))
    var rounds: Int?

    @Flag(
        help: """
            Show how cost grows from 256 to 1024 pixels: of one model (default: E-CAR-L) and of a transformer of its size \
            that makes the image token by token. E-CAR-S takes three minutes on two fast cores.
            """)
    var scaling = false

    @Option(help: ArgumentHelp("Of random weights and of the noise.", valueName: "s"))
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("A folder for the figures, the table and a plot.", valueName: "folder"))
    var output: String?

    @OptionGroup var compute: ComputeOptions
    @OptionGroup var display: OutputOptions

    private static let usualModels = ["E-CAR-L", "DiT-XL/2"]
    private static let mostCases = 64

    func validate() throws {
        if let steps, !(1...100_000).contains(steps) {
            throw ValidationError("--steps must be 1…100000, not \(steps)")
        }
        if let rounds, !(1...1000).contains(rounds) {
            throw ValidationError("--rounds must be 1…1000, not \(rounds)")
        }
        let (precisions, batches) = try (precisions(), batches())
        guard !scaling || (precisions.count == 1 && batches.count == 1 && Self.items(models).count <= 1) else {
            throw ValidationError("--scaling is of one model, in one --precision and with one --batch")
        }
    }

    func run() throws {
        Interrupt.install()
        let device = try compute.prepare()
        let scaling = try scaling ? makeScaling() : nil
        let cases = try cases(scaling)
        let folder = output.map { URL(fileURLWithPath: $0) }
        // Found out before any work is done; nothing stays of it.
        if let folder { _ = try Scratch(in: folder) }

        let onProcessor = device == .cpu
        var session = BenchmarkSession(
            cases, compute: compute, peakThreads: onProcessor ? Runtime.threads : nil, isQuiet: display.quiet)
        let keepsAll = session.fitsInMemory
        if !keepsAll { Terminal.printError("not all models fit into memory at once: each is loaded for every round") }
        let rounds = rounds ?? (scaling == nil ? 3 : 1)
        try session.run(rounds: rounds, keepingAll: keepsAll)

        var machine = Machine.current(device: device)
        machine.peak = session.peak
        var report = BenchmarkReport(
            machine: machine, command: Terminal.commandLine, version: "ecar \(programVersion)", rounds: rounds,
            results: session.entries.compactMap { entry in
                .init(
                    entry.what, entry.cost, runs: entry.runs, memory: entry.memory, loadMemory: entry.loadMemory,
                    loadSeconds: entry.loadSeconds, peak: machine.peak)
            },
            notes: keepsAll ? [] : ["Not all models fitted into memory at once: each was loaded for every round."])
        report.scaling = try scaling?.points(usualCase(), results: report.results)
        if let folder {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try report.write(to: folder)
        }
        guard !display.json else { return try Terminal.print(String(decoding: report.encoded(), as: UTF8.self)) }
        try Terminal.print(report.tables + "\n" + report.remarks.joined(separator: "\n"))
    }

    // MARK: What is measured

    private var names: [String] {
        let items = Self.items(models)
        return items.isEmpty ? Self.usualModels : items
    }

    private func makeScaling() throws -> Scaling {
        do {
            return try Scaling(names[0])
        } catch let error as BenchmarkError {
            throw CommandError.usage("--scaling: \(error)")
        }
    }

    /// Every model in every precision with every batch, and what an image costs.
    private func cases(_ scaling: Scaling?) throws -> [(BenchmarkCase, BenchmarkCost)] {
        let (precisions, batches, usual) = try (precisions(), batches(), usualCase())
        guard names.count * precisions.count * batches.count <= Self.mostCases else {
            throw CommandError.usage("these are more than \(Self.mostCases) cases")
        }
        let cases =
            scaling?.cases(usual)
            ?? names.flatMap { name in
                precisions.flatMap { precision in
                    batches.map { batch in
                        var what = usual
                        (what.model, what.precision, what.batch) = (name, precision, batch)
                        return what
                    }
                }
            }
        return try cases.map { what in
            do {
                return (what, try BenchmarkModels.subject(what.model).cost(what))
            } catch let error as BenchmarkError {
                throw CommandError.usage(error.description)
            }
        }
    }

    /// The first of the models, precisions and batches.
    private func usualCase() throws -> BenchmarkCase {
        BenchmarkCase(
            model: names[0], precision: try precisions()[0], batch: try batches()[0], steps: steps, isGuided: guided,
            seed: seed)
    }

    private func precisions() throws -> [Precision] {
        let items = Self.items(precision)
        return try items.isEmpty
            ? [.bf16]
            : items.map { item in
                guard let precision = Precision(rawValue: item) else {
                    let known = Precision.allCases.map(\.rawValue).joined(separator: ", ")
                    throw ValidationError("--precision \(item): give some of \(known)")
                }
                return precision
            }
    }

    private func batches() throws -> [Int] {
        let items = Self.items(batch)
        return try items.isEmpty
            ? [1]
            : items.map { item in
                guard let batch = Int(item), (1...65_536).contains(batch) else {
                    throw ValidationError("--batch must be 1…65536, not \(item)")
                }
                return batch
            }
    }

    /// What was given as a list or several times.
    private static func items(_ values: [String]) -> [String] {
        values.flatMap { $0.split(separator: ",").map(String.init) }
    }
}
