import ArgumentParser
import ECAREvaluation
import ECARImages
import ECARPictures
import ECARTraining
import Foundation
import Torch
import TorchNN

struct TrainClassifier: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train the small classifier that `ecar evaluate --classifier` judges pictures with.",
        discussion: """
            Where the data set has a part for tests, the classifier's own accuracy is measured on it and kept with it.

              ecar train-classifier --data fashion-mnist/ --output classifiers/fashion-mnist
            """)

    @Option(help: ArgumentHelp("Pictures: class folders, a .tar of them, IDX or CIFAR-10 files.", valueName: "path"))
    var data: String

    @Option(help: ArgumentHelp("The classifier's folder.", valueName: "dir"))
    var output: String

    @Option(help: ArgumentHelp("The side of its pictures. (default: 32, or 64 where they are larger)", valueName: "px"))
    var side: Int?

    @Option(help: "How pictures become squares: crop or pad. (default: pad where they are smaller)")
    var fit: ImageFit?

    @Option(help: ArgumentHelp("Passes over the pictures.", valueName: "n"))
    var epochs = 8

    @Option(help: ArgumentHelp("Pictures of a step.", valueName: "n"))
    var batch = 128

    @Option(help: ArgumentHelp("The highest learning rate.", valueName: "r"))
    var learningRate = 2e-3

    @Option(help: ArgumentHelp("Channels at the first resolution.", valueName: "n"))
    var width = 32

    @Option(help: ArgumentHelp("Residual blocks at each resolution.", valueName: "n"))
    var blocks = 1

    @Flag(help: "Mirror half of the pictures.")
    var flip = false

    @Option(help: ArgumentHelp("With r > 0, learn from random squares of 1−r … 1 of the shorter side.", valueName: "r"))
    var randomCrop = 0.0

    @Option(help: ArgumentHelp("The classes' names. (default: the data set's)", valueName: "a,b,…"))
    var classNames: String?

    @Option(help: ArgumentHelp("What every random number derives from.", valueName: "s"))
    var seed: UInt64 = 0

    @Option(help: "The arithmetic of the training: f32 or bf16.", transform: Precision.ofOrdinaryLayers)
    var precision = Precision.f32

    @OptionGroup var compute: ComputeOptions
    @OptionGroup var display: OutputOptions

    private struct Report: Encodable {
        let path, digest: String
        let pictures, steps: Int
        let loss: Double?
        let accuracy: ClassifierConfiguration.Accuracy?
        let seconds: Double
    }

    func validate() throws {
        for (name, value) in [("--epochs", epochs), ("--batch", batch)] where !(1...1_000_000).contains(value) {
            throw ValidationError("\(name) must be 1…1000000, not \(value)")
        }
        for (name, value, range) in [("--width", width, 8...4096), ("--blocks", blocks, 1...16)]
        where !range.contains(value) {
            throw ValidationError("\(name) must be \(range.lowerBound)…\(range.upperBound), not \(value)")
        }
        guard learningRate > 0, learningRate.isFinite else {
            throw ValidationError("--learning-rate must be positive, not \(learningRate)")
        }
    }

    func run() throws {
        Interrupt.install()
        let device = try compute.prepare()
        let url = URL(fileURLWithPath: output)
        let source = URL(fileURLWithPath: data)
        let dataset = try openDataset(source)
        // A part that is there and cannot be read is to be known before the training.
        let tests = try datasetSplits(source).contains("test") ? try openDataset(source, split: "test") : nil
        let configuration = try configuration(for: dataset)
        guard !FileManager.default.fileExists(atPath: url.path) || Classifier.isIn(url) || isEmptyFolder(url) else {
            throw CommandError.failure("--output \(output): is there already, and is no classifier's folder")
        }
        // Found out before the training; nothing stays of it.
        _ = try Scratch(in: url)
        Runtime.keepFreedMemory()

        let clock = ContinuousClock()
        let start = clock.now
        let plan = try BatchPlan(count: dataset.count, of: dataset.name, batchSize: batch, seed: seed)
        let learner = try ClassifierLearner(
            configuration, steps: epochs * (dataset.count / batch), learningRate: learningRate, seed: seed,
            precision: precision, device: device)
        let loss = try train(learner, dataset, plan)
        var finished = configuration
        finished.training = provenance(learner, dataset)
        func save() throws {
            try Classifier.save(
                finished, names: learner.classifier.parameters.names, tensors: learner.averaged.parameters.tensors,
                to: url)
        }
        try save()
        if let tests {
            // What others will load, whose weights are rounded; a damaged picture then costs the accuracy alone.
            finished.accuracy = try measure(Classifier.load(url, device: device), on: tests)
            try save()
        }
        let saved = try Classifier.load(url)
        try report(
            Report(
                path: url.path, digest: saved.digest, pictures: dataset.count, steps: learner.step, loss: loss,
                accuracy: finished.accuracy, seconds: (clock.now - start) / .seconds(1)))
    }

    private func isEmptyFolder(_ url: URL) -> Bool {
        (try? FileManager.default.contentsOfDirectory(atPath: url.path))?.isEmpty ?? false
    }

    /// The network's shape, from the data set and what the user said.
    private func configuration(for dataset: any ImageDataset) throws -> ClassifierConfiguration {
        guard dataset.classNames.count > 1 else {
            throw CommandError.failure("\(dataset.name): a classifier needs at least 2 classes to tell apart")
        }
        let first = try dataset.image(0)
        let longest = max(first.width, first.height)
        let side = side ?? (longest <= 32 ? 32 : 64)
        guard (8...1024).contains(side) else { throw CommandError.usage("--side must be 8…1024, not \(side)") }
        let names = classNames?.split(separator: ",").map(String.init) ?? dataset.classNames
        guard names.count == dataset.classNames.count else {
            throw CommandError.usage("--class-names: \(names.count) names for \(dataset.classNames.count) classes")
        }
        let configuration = ClassifierConfiguration(
            side: side, channels: first.channels, fit: fit ?? (longest < side ? .pad : .crop),
            widths: ClassifierConfiguration.widths(side: side, first: width), blocks: blocks,
            classNames: names)
        do {
            try configuration.validate()
        } catch {
            throw CommandError.usage("\(error)")
        }
        return configuration
    }

    /// - Returns: The last known loss.
    private func train(_ learner: ClassifierLearner, _ dataset: any ImageDataset, _ plan: BatchPlan) throws -> Double? {
        let configuration = learner.classifier.configuration
        let loader = try BatchLoader(
            dataset: dataset, plan: plan, side: configuration.side, channels: configuration.channels,
            fit: configuration.fit, flip: flip, randomCrop: randomCrop)
        defer { loader.stop() }
        let bar = ProgressBar("training", total: learner.steps, unit: "steps", isQuiet: display.quiet)
        defer { bar.finish() }
        var loss: Double?
        let outcome = try TrainingLoop(steps: learner.steps, logEvery: 20)
            .run(learner, next: loader.next, isCancelled: { Interrupt.isRaised }) { result in
                loss = result.losses.first ?? loss
                bar.update(learner.step, note: loss.map { String(format: "loss %.4f", $0) } ?? "")
            }
        guard outcome == .finished else { throw CommandError.interrupted }
        return loss
    }

    /// The accuracy on the data set's test part; nil where its pictures have no classes.
    private func measure(
        _ classifier: Classifier, on dataset: any ImageDataset
    ) throws -> ClassifierConfiguration.Accuracy? {
        let configuration = classifier.configuration
        let source = try DatasetPictures(
            dataset,
            fit: SquareFit(side: configuration.side, channels: configuration.channels, fit: configuration.fit))
        let bar = ProgressBar("testing", total: source.count, unit: "pictures", isQuiet: display.quiet)
        defer { bar.finish() }
        let features = try FeatureSet(source, network: classifier) { done in
            try Interrupt.check()
            bar.update(done)
        }
        guard let labels = features.labels else { return nil }
        let found = try ConditionalAccuracy(probabilities: features.all.probabilities, labels: labels)
        var perClass = [Double?](repeating: nil, count: configuration.classNames.count)
        for part in found.classes { perClass[part.label] = Double(part.correct) / Double(part.pictures) }
        return .init(pictures: labels.count, top1: found.top1, top5: found.top5, perClass: perClass)
    }

    private func provenance(_ learner: ClassifierLearner, _ dataset: any ImageDataset) -> [String: String] {
        [
            "data": URL(fileURLWithPath: data).lastPathComponent, "pictures": "\(dataset.count)",
            "epochs": "\(epochs)", "steps": "\(learner.step)", "batchSize": "\(batch)",
            "learningRate": "\(learningRate)", "flip": "\(flip)", "randomCrop": "\(randomCrop)", "seed": "\(seed)",
            "precision": precision.rawValue, "version": programVersion, "command": Terminal.commandLine,
        ]
    }

    private func report(_ report: Report) throws {
        guard !display.json else { return try Terminal.print(json: report) }
        if let accuracy = report.accuracy, !display.quiet {
            Terminal.printError(
                String(
                    format: "names %.2f %% of %d test pictures (%.2f %% among its five likeliest)",
                    100 * accuracy.top1, accuracy.pictures, 100 * accuracy.top5))
        }
        try Terminal.print(report.path)
    }
}
