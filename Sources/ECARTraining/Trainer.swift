import ECAR
import ECARImages
import Foundation
import Torch

/// How far a run is.
public struct TrainingProgress: Sendable {
    public let step: Int
    public let steps: Int
    /// The newest known losses l_s, unweighted; empty before the first are known.
    public let losses: [Double]
    /// w_s.
    public let weights: [Double]
    /// Time since the run began, pauses left out.
    public let seconds: Double
}

/// Trains a model from its run's newest checkpoint, or from the beginning, to the end.
public final class Trainer {
    public enum Outcome: Sendable, Equatable {
        case finished
        /// The caller asked to stop; the state is saved.
        case cancelled
    }

    public let run: RunDirectory
    public let state: TrainingState
    private let configuration: TrainingConfiguration
    private let dataset: any ImageDataset
    private let classNames: [String]
    private let device: Device
    private let log: TrainingLog

    /// - Parameter run: Its configuration is the one that counts.
    /// - Throws: `ECARError` where the data set and the configuration do not fit together, or a checkpoint is damaged.
    public init(run: RunDirectory, dataset: any ImageDataset, device: Device) throws {
        (self.run, self.dataset, self.device) = (run, dataset, device)
        configuration = run.configuration
        try Self.check(configuration, dataset)
        classNames = configuration.classNames ?? dataset.classNames
        state = try run.restore(pictures: dataset.count, device: device)
        log = try TrainingLog(run.log, upTo: state.step)
        try Folder.make(run.samples)
        try Folder.make(run.checkpoints)
    }

    /// - Throws: `ECARError` where the data set's classes are not the model's, or it is smaller than a batch.
    public static func check(_ configuration: TrainingConfiguration, _ dataset: any ImageDataset) throws(ECARError) {
        let classes = configuration.model.classes
        guard dataset.classNames.count == classes else {
            throw ECARError(
                "\(dataset.name) has \(dataset.classNames.count) classes, and the configuration \(classes): "
                    + "set model.classes")
        }
        guard configuration.batchSize <= dataset.count else {
            throw ECARError(
                "\(dataset.name) has only \(dataset.count) images, less than a batch of \(configuration.batchSize): "
                    + "set batchSize")
        }
    }

    /// Whether there is nothing left to do.
    public var isFinished: Bool {
        state.step >= configuration.steps && (try? ModelDirectory.readDescription(run.model)) == description
    }

    /// Takes the remaining steps.
    ///
    /// - Parameters:
    ///   - isCancelled: Asked before every step.
    ///   - report: Called after every step.
    public func train(
        isCancelled: () -> Bool = { false }, report: (TrainingProgress) -> Void = { _ in }
    ) throws -> Outcome {
        Runtime.keepFreedMemory()
        let loader = try BatchLoader(
            dataset: dataset, batchSize: configuration.batchSize, side: configuration.side,
            channels: configuration.model.channels, fit: configuration.data.fit, flip: configuration.data.flip,
            randomCrop: configuration.data.randomCrop,
            seed: Generator.seed(configuration.seed, TrainingState.Purpose.data), firstStep: state.step)
        defer { loader.stop() }

        let before = state.seconds
        let clock = ContinuousClock()
        let start = clock.now
        var losses = log.entries.last?.losses ?? []
        while state.step < configuration.steps {
            if isCancelled() {
                try save()
                return .cancelled
            }
            let isLast = state.step + 1 == configuration.steps
            let logs = isLast || isDue(configuration.logEvery)
            let samples = isLast || isDue(configuration.sampleEvery)
            let saves = isLast || isDue(configuration.checkpointEvery)
            let weights = state.stageWeights
            let result = try state.advance(try loader.next(), readsLosses: logs)
            state.seconds = before + (clock.now - start) / .seconds(1)
            if !result.losses.isEmpty { losses = result.losses }
            if logs {
                try log.append(
                    LogEntry(
                        step: state.step, losses: losses, weights: weights, gradientNorm: result.gradientNorm,
                        learningRate: result.learningRate, seconds: state.seconds))
            }
            report(
                TrainingProgress(
                    step: state.step, steps: configuration.steps, losses: losses, weights: weights,
                    seconds: state.seconds))
            if samples { try writeSamples() }
            if saves { try save() }
        }
        // Again where a process was killed between the last checkpoint and the model.
        if !isFinished { try save() }
        return .finished
    }

    /// Whether the coming step is one of every `interval`.
    private func isDue(_ interval: Int) -> Bool { (state.step + 1).isMultiple(of: interval) }

    // MARK: Writing

    private var title: String { run.url.lastPathComponent }

    private func writeSamples() throws {
        let sheet = SampleSheet(configuration: configuration, classNames: classNames)
        let image = try sheet.render(state.averagedModel, title: "step \(state.step)")
        try image.write(to: run.sampleSheet(step: state.step))
    }

    /// A checkpoint first, then what can be made from it again: the model and the curves.
    private func save() throws {
        try run.save(state, pictures: dataset.count)
        let tensors = Array(zip(state.model.parameters.names, state.average.tensors))
        try Folder.replace(run.model) { partial in
            try ModelDirectory.save(
                description, tensors: tensors, dtype: configuration.weights == .bf16 ? .bfloat16 : .float32, to: partial
            )
        }
        if !log.entries.isEmpty { try log.chart(title: title).render().write(to: run.chart) }
    }

    /// The model's own account of itself. It names no time or place, so that equal runs give equal files.
    private var description: ModelDescription {
        ModelDescription(
            architecture: configuration.model, classNames: classNames, sampling: configuration.sampling,
            training: [
                "data": URL(fileURLWithPath: configuration.data.path ?? dataset.name).lastPathComponent,
                "pictures": "\(dataset.count)",
                "step": "\(state.step)", "steps": "\(configuration.steps)",
                "batchSize": "\(configuration.batchSize)", "learningRate": "\(configuration.learningRate)",
                "precision": configuration.precision.rawValue, "emaDecay": "\(configuration.emaDecay)",
                "seed": "\(configuration.seed)",
            ])
    }
}
