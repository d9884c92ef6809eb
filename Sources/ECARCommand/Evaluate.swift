import ArgumentParser
import ECAR
import ECAREvaluation
import ECARImages
import Foundation
import Torch
import TorchNN

extension ClassChoice: ExpressibleByArgument {}

/// `--metrics fid,is`.
struct MetricsOption: ExpressibleByArgument {
    let values: [Metric]

    init?(argument: String) {
        let names = argument.split(separator: ",", omittingEmptySubsequences: false)
        values = names.compactMap { Metric(rawValue: String($0)) }
        guard values.count == names.count, Set(values).count == values.count else { return nil }
    }
}

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how good pictures are: FID, sFID, Inception Score, KID, precision, recall, accuracy.",
        discussion: """
            The pictures are those of a folder, a data set or an .npz file, or a model makes them on the way; the reference \
            may also be a file of statistics (mu and sigma). Without Inception's weights, a classifier takes its place, and \
            the scores other names. With --output, an evaluation that was stopped goes on when the same command is given again.

              ecar evaluate --count 5000 --reference fashion-mnist/ --split test --output report
              ecar evaluate --model runs/l --count 50000 --reference imagenet256.npz --inception inception.safetensors
              ecar evaluate --reference fashion-mnist/ --sweep steps=6,12,24,72 --sweep guidance=1,1.5,2
            """)

    // MARK: What is judged

    @Option(help: ArgumentHelp("Pictures: a folder, a data set or an .npz file.", valueName: "path"))
    var samples: String?

    @Option(help: ArgumentHelp("A model that makes the pictures. (default: the shipped one)", valueName: "name|dir"))
    var model: String?

    @OptionGroup var decoder: AutoencoderOptions

    @Option(help: ArgumentHelp("How many pictures the model makes.", valueName: "n"))
    var count = 5000

    @Option(help: "The pictures' classes: balanced (each as often) or uniform (by chance).")
    var labels = ClassChoice.balanced

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

    @Option(help: ArgumentHelp("Some of fid, sfid, is, kid, accuracy, … (default: all possible)", valueName: "a,b"))
    var metrics: MetricsOption?

    @Option(help: ArgumentHelp("A folder for report.html and report.json.", valueName: "report"))
    var output: String?

    @Option(help: ArgumentHelp("Keep the samples' statistics as a reference for others.", valueName: "file.npz"))
    var saveStatistics: String?

    @Option(help: ArgumentHelp("How long to wait for a process that does not answer.", valueName: "seconds"))
    var timeout = 3600.0

    @OptionGroup var compute: ComputeOptions
    @OptionGroup var display: OutputOptions

    func validate() throws {
        if samples != nil, model != nil { throw ValidationError("--samples and --model: give one of them") }
        if saveStatistics != nil, !sweep.isEmpty {
            throw ValidationError("--save-statistics keeps those of one set, and --sweep makes several")
        }
        if samples != nil, !sweep.isEmpty { throw ValidationError("--sweep needs a model that makes the pictures") }
        guard (2...10_000_000).contains(count) else {
            throw ValidationError("--count must be 2…10000000, not \(count)")
        }
        try sampling.checkSeeds(count)
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
        let start = ContinuousClock.now
        let isFirst = group.map { $0.rank == 0 } ?? true
        guard isFirst || samples == nil else { return }
        if let saveStatistics, isFirst { try Scratch.check(writing: URL(fileURLWithPath: saveStatistics)) }
        let folder = try samples == nil ? ModelLocator.model(model ?? "default") : nil
        let network = try network.open(model: folder, device: device)
        let output = output.map { URL(fileURLWithPath: $0) }
        // Found out before any work is done; nothing stays of it.
        if let output { _ = try Scratch(in: output) }
        let parts = output.map { $0.appendingPathComponent(".parts") }
        let subjects = try folder.map { try models(in: $0, device, group, parts: parts) } ?? [picturesOfSamples()]
        Runtime.keepFreedMemory()
        try Interrupt.check()

        let judge = isFirst ? try judge(network, subjects[0]) : nil
        var (runs, pictures) = ([EvaluationReport.Run](), [EvaluationPictures]())
        for (number, subject) in subjects.enumerated() {
            let verb = subjects.count > 1 ? "run \(number + 1)/\(subjects.count)" : subject.verb
            let (set, seconds) = try ProgressBar.during(verb, unit: "pictures", isQuiet: display.quiet || !isFirst) {
                try subject.features(network.extractor, progress: $0)
            }
            guard let judge else { continue }
            if let saveStatistics { try save(set, network.extractor, to: URL(fileURLWithPath: saveStatistics)) }
            let run = try judge.run(subject, set, secondsPerPicture: seconds)
            runs.append(run)
            if output != nil { pictures.append(try judge.pictures(subject, set, of: run)) }
        }
        guard let judge else { return }
        let report = judge.report(runs, device: device, seconds: (ContinuousClock.now - start) / .seconds(1))
        if let output { try report.write(to: output, pictures: pictures) }
        for subject in subjects { try subject.removeParts(network.extractor) }
        try display.json
            ? Terminal.print(String(decoding: report.encoded(), as: UTF8.self)) : Terminal.print(report.table())
    }

    // MARK: What is judged

    private func picturesOfSamples() throws -> EvaluationSubject {
        .pictures(try openPictures(URL(fileURLWithPath: samples ?? "")), path: samples ?? "")
    }

    /// The model, once for each point of the sweep.
    private func models(
        in folder: URL, _ device: Device, _ group: ProcessGroup?, parts: URL?
    ) throws -> [EvaluationSubject] {
        let description = try ModelDirectory.readDescription(folder)
        let grid = try SweepOption.grid(sweep, over: sampling.settings(for: description))
        let autoencoder = try decoder.open(for: description, in: folder, device: device)
        let directory = try ModelDirectory.load(folder, device: device, precision: sampling.precision)
        return grid.map { settings in
            let maker = ImageMaker(
                directory: directory, autoencoder: autoencoder, settings: settings, precision: sampling.precision,
                batch: sampling.batch, showsStages: false)
            let pictures = ModelPictures(
                maker: maker, count: count, labels: labels, seed: sampling.seed, group: group, folder: parts,
                kept: EvaluationSubject.shown, name: model ?? "default")
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
        let metrics = try wantedMetrics(network, subject)
        let real = try reference.open(
            network, samples: subject.shape(), looksForCopies: output != nil, isQuiet: display.quiet)
        do {
            let evaluation = try Evaluation(metrics, reference: real.reference, seed: sampling.seed)
            return EvaluationJudge(network: network, evaluation: evaluation, real: real)
        } catch {
            throw CommandError.failure("\(reference.reference ?? "the reference"): \(error)")
        }
    }

    /// The metrics that are asked for, or all that can be measured.
    private func wantedMetrics(_ network: EvaluationNetwork, _ subject: EvaluationSubject) throws -> [Metric] {
        let holds = try reference.holds()
        func reason(_ metric: Metric) -> String? {
            if !network.metrics.contains(metric) { return "the network does not give it" }
            switch metric.need {
            case .nothing: return nil
            case .labels: return network.knows(subject) ? nil : "the classifier does not know the samples' classes"
            case .statistics: return holds == nil ? "--reference is missing" : nil
            case .pictures:
                return holds == nil
                    ? "--reference is missing" : holds == .statistics ? "the reference holds no pictures" : nil
            }
        }
        guard let wanted = metrics?.values else {
            let possible = network.metrics.filter { reason($0) == nil }
            guard !possible.isEmpty || saveStatistics != nil else {
                throw CommandError.usage("there is nothing to measure: give a --reference to compare the pictures with")
            }
            return possible
        }
        for metric in wanted {
            guard let reason = reason(metric) else { continue }
            throw CommandError.usage("--metrics \(metric.rawValue): \(reason)")
        }
        return wanted
    }

    // MARK: What comes of it

    private func save(_ set: FeatureSet, _ network: any FeatureExtractor, to url: URL) throws {
        let spatial = network.sizes.spatial > 0 ? try GaussianStatistics(set.all.spatial) : nil
        try StatisticsFile(features: GaussianStatistics(set.all.features), spatial: spatial).write(to: url)
    }
}
