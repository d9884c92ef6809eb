import ArgumentParser
import ECAR
import ECAREvaluation
import ECARImages
import ECARPictures
import Foundation
import Torch
import TorchNN

extension ClassChoice: ExpressibleByArgument {}

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how good pictures are: FID, sFID, Inception Score, KID, precision, recall, accuracy.",
        discussion: """
            The pictures are those of a folder, a data set or an .npz file, or a model makes them on the way; the reference \
            may also be a file of statistics (mu and sigma). Without Inception's weights, a classifier takes its place, and \
            the scores other names. With --output, an evaluation that was stopped goes on when the same command is given again.

              ecar evaluate --model fashion-mnist --count 5000 --reference fashion-mnist/ --split test --output report
              ecar evaluate --model runs/l --count 50000 --reference imagenet256.npz --inception inception.safetensors
              ecar evaluate --model fashion-mnist --reference fashion-mnist/ --sweep steps=6,12,24,72 --sweep guidance=1,1.5,2
            """)

    // MARK: What is judged

    @Option(help: ArgumentHelp("Pictures: a folder, a data set or an .npz file.", valueName: "path"))
    var samples: String?

    @Option(help: ArgumentHelp("The samples' part: train, valid or test.", valueName: "split"))
    var samplesSplit: String?

    @Option(help: ArgumentHelp("A model that makes the pictures. (default: the shipped one)", valueName: "name|dir"))
    var model: String?

    @OptionGroup var decoder: AutoencoderOptions

    @Option(help: ArgumentHelp("How many pictures the model makes. (default: 5000)", valueName: "n"))
    var count: Int?

    @Option(help: "The classes it is asked for: balanced (each as often) or uniform (by chance). (default: balanced)")
    var labels: ClassChoice?

    @OptionGroup var sampling: SamplingOptions

    @Option(
        help: ArgumentHelp(
            "Try several steps (of all stages together) or guidance scales; twice for both.",
            valueName: "steps=n,m|guidance=g,h"))
    var sweep: [SweepOption] = []

    // MARK: What it is compared with

    @OptionGroup var reference: ReferenceOptions

    @OptionGroup var network: NetworkOptions

    // MARK: What comes of it

    @Option(help: ArgumentHelp("Some of \(MetricsOption.all). (default: all that can be)", valueName: "a,b"))
    var metrics: MetricsOption?

    @Option(help: ArgumentHelp("A folder for report.html and report.json.", valueName: "report"))
    var output: String?

    @Option(help: ArgumentHelp("Keep the samples' statistics as a reference for others.", valueName: "file.npz"))
    var saveStatistics: String?

    @Option(help: ArgumentHelp("How long to wait for a process that does not answer.", valueName: "seconds"))
    var timeout = 3600.0

    @OptionGroup var compute: ComputeOptions
    @OptionGroup var display: OutputOptions

    private var wanted: Int { count ?? 5000 }

    func validate() throws {
        if samples != nil {
            let others: [(String, Bool)] = [
                ("--model", model != nil), ("--autoencoder", decoder.autoencoder != nil), ("--count", count != nil),
                ("--labels", labels != nil), ("--steps", sampling.steps != nil),
                ("--guidance", sampling.guidance != nil), ("--solver", sampling.integration.solver != nil),
                ("--time-shift", sampling.integration.timeShift != nil),
                ("--parallel-guidance", sampling.integration.parallelGuidance != nil),
                ("--precision", sampling.givenPrecision != nil), ("--batch", sampling.givenBatch != nil),
                ("--sweep", !sweep.isEmpty),
            ]
            if let other = others.first(where: \.1)?.0 {
                throw ValidationError("\(other) is for a model that makes the pictures, and --samples are there")
            }
        } else if samplesSplit != nil {
            throw ValidationError("--samples-split is a part of the --samples")
        }
        if saveStatistics != nil, !sweep.isEmpty {
            throw ValidationError("--save-statistics keeps those of one set, and --sweep makes several")
        }
        guard (2...10_000_000).contains(wanted) else {
            throw ValidationError("--count must be 2…10000000, not \(wanted)")
        }
        try sampling.checkSeeds(wanted)
    }

    func run() throws {
        Interrupt.install()
        try ManyProcesses.run(compute, timeout: timeout) { group, device in
            do {
                try run(in: group, device: device)
            } catch let error as CommandError where Interrupt.isRaised && output != nil && samples == nil {
                throw CommandError(
                    message: "interrupted; what is done is kept in \(output ?? ""), continue with the same command",
                    status: error.status)
            }
        }
    }

    private func run(in group: ProcessGroup?, device: Device) throws {
        // libtorch's convolutions on CUDA would otherwise not be float32.
        if device != .cpu { try Runtime.allowTF32(false) }
        let start = ContinuousClock.now
        let isFirst = group.map { $0.rank == 0 } ?? true
        guard isFirst || samples == nil else { return }
        if let saveStatistics, isFirst {
            try Scratch.check(writing: URL(fileURLWithPath: saveStatistics), option: "--save-statistics")
        }
        let folder = try samples == nil ? ModelLocator.model(model ?? "default") : nil
        let network = try network.open(model: folder, device: device)
        let output = output.map { URL(fileURLWithPath: $0) }
        // Found out before any work is done; nothing stays of it.
        if let output { _ = try Scratch(in: output) }
        let parts = output.map { $0.appendingPathComponent(".parts") }
        let subjects =
            try folder.map { try models(in: $0, network.extractor, group, parts: parts) } ?? [picturesOfSamples()]
        Runtime.keepFreedMemory()
        try Interrupt.check()

        let judge = isFirst ? try judge(network, subjects[0]) : nil
        var (runs, pictures) = ([EvaluationReport.Run](), [EvaluationPictures]())
        for (number, subject) in subjects.enumerated() {
            let verb = subjects.count > 1 ? "run \(number + 1)/\(subjects.count)" : subject.verb
            let (set, seconds) = try ProgressBar.during(verb, unit: "pictures", isQuiet: display.quiet || !isFirst) {
                try subject.features(network.extractor, progress: $0)
            }
            guard let judge, let set else { continue }
            if let saveStatistics { try save(set, network.extractor, to: URL(fileURLWithPath: saveStatistics)) }
            let run = try judge.run(subject, set, secondsPerPicture: seconds, isQuiet: display.quiet)
            runs.append(run)
            if output != nil { pictures.append(try judge.pictures(subject, set, of: run)) }
        }
        guard let judge else { return }
        let report = try judge.report(runs, device: device, seconds: (ContinuousClock.now - start) / .seconds(1))
        if let output { try report.write(to: output, pictures: pictures) }
        for subject in subjects { subject.removeParts() }
        try display.json
            ? Terminal.print(String(decoding: report.encoded(), as: UTF8.self)) : Terminal.print(report.table())
    }

    // MARK: What is judged

    private func picturesOfSamples() throws -> EvaluationSubject {
        .pictures(try openPictures(URL(fileURLWithPath: samples ?? ""), split: samplesSplit), path: samples ?? "")
    }

    /// The model, once for each point of the sweep.
    private func models(
        in folder: URL, _ network: any FeatureExtractor, _ group: ProcessGroup?, parts: URL?
    ) throws -> [EvaluationSubject] {
        let description = try ModelDirectory.readDescription(folder)
        let grid = try SweepOption.grid(sweep, over: sampling.settings(for: description))
        let autoencoder = try decoder.open(for: description, in: folder, device: network.device)
        let directory = try PreparedDirectory(folder, device: network.device, precision: sampling.precision)
        return try grid.map { settings in
            let maker = try ImageMaker(
                directory, autoencoder: autoencoder, settings: settings, batch: sampling.batch)
            let pictures = try ModelPictures(
                maker: maker, network: network, count: wanted, labels: labels ?? .balanced, seed: sampling.seed,
                group: group, name: model ?? "default", kept: EvaluationSubject.shown, folder: parts)
            return .model(pictures, point: sweep.isEmpty ? nil : point(settings))
        }
    }

    private func point(_ settings: SamplingSettings) -> EvaluationReport.Point {
        var point = EvaluationReport.Point()
        for option in sweep {
            switch option {
            case .steps: point.steps = settings.steps.reduce(0, +)
            case .guidance: point.guidance = settings.guidance[0]
            }
        }
        return point
    }

    // MARK: What it is compared with

    private func judge(_ network: EvaluationNetwork, _ subject: EvaluationSubject) throws -> EvaluationJudge {
        let survey = try reference.survey()
        let metrics = try MetricsOption.chosen(metrics, network, subject, survey)
        guard !metrics.isEmpty || saveStatistics != nil else {
            throw CommandError.usage("there is nothing to measure: give a --reference to compare the pictures with")
        }
        do {
            let real = try reference.open(
                survey, network, samples: subject.shape(), metrics: metrics, looksForCopies: output != nil,
                isQuiet: display.quiet)
            let evaluation = try Evaluation(metrics, reference: real.reference, seed: sampling.seed)
            return EvaluationJudge(network: network, evaluation: evaluation, real: real)
        } catch let error as TorchError {
            throw CommandError.failure("\(reference.reference ?? "the reference"): \(error)")
        }
    }

    // MARK: What comes of it

    private func save(_ set: FeatureSet, _ network: any FeatureExtractor, to url: URL) throws {
        let spatial = network.sizes.spatial > 0 ? try GaussianStatistics(set.all.spatial) : nil
        try StatisticsFile(features: GaussianStatistics(set.all.features), spatial: spatial).write(to: url)
    }
}
