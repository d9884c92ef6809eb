import ECAR
import ECARAutoencoder
import Files
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
///
/// Several processes may share the work: each takes its part of every batch, and their gradients are averaged, so that all
/// hold the same state at any time. The first one alone has the run's folder and writes to it.
public final class Trainer {
    public let state: TrainingState
    private let configuration: TrainingConfiguration
    private let data: TrainingData
    private let autoencoder: (any Autoencoder)?
    private let device: Device
    private let group: ProcessGroup?
    /// Of the process that writes; nil in all others.
    private let record: RunRecord?

    /// - Parameters:
    ///   - run: The run's folder, in the process that writes: the first one, or the only one.
    ///   - autoencoder: Encodes the pictures, and decodes the samples; without it there are no samples.
    ///   - group: The processes that share the work, where there are several.
    /// - Throws: `ECARError` where the data and the configuration do not fit together, or a checkpoint is damaged.
    public init(
        _ configuration: TrainingConfiguration, _ data: TrainingData, autoencoder: (any Autoencoder)?, device: Device,
        run: RunDirectory?, group: ProcessGroup? = nil
    ) throws {
        try data.check(configuration, autoencoder: autoencoder, processes: group?.processes ?? 1)
        (self.configuration, self.data, self.autoencoder) = (configuration, data, autoencoder)
        (self.device, self.group) = (device, group)
        let source = data.source(autoencoder)
        if let group { try data.checkIsShared(in: group, source) }
        let state =
            try run?.restore(source, device: device, group: group)
            ?? TrainingState(configuration, device: device, group: group)
        if let group { try state.share(in: group) }
        record = try run.map { try RunRecord($0, data, source, autoencoder: autoencoder, step: state.step) }
        self.state = state
    }

    /// Whether there is nothing left to do.
    public var isFinished: Bool {
        state.step >= configuration.steps && record?.isComplete(state) ?? true
    }

    /// Takes the remaining steps. Where the caller asks to stop, the state is saved before this returns.
    ///
    /// - Parameters:
    ///   - isCancelled: Asked before every step.
    ///   - report: Called after every step.
    public func train(
        isCancelled: () -> Bool = { false }, report: (TrainingProgress) -> Void = { _ in }
    ) throws -> TrainingLoop.Outcome {
        Runtime.keepFreedMemory()
        let loader = try TrainingLoader(
            data, configuration, autoencoder: autoencoder, device: device, firstStep: state.step,
            rank: group?.rank ?? 0, processes: group?.processes ?? 1)
        defer { loader.stop() }

        if !isFinished { try record?.writeReport(.running) }
        // A process that was killed right after a checkpoint owes its samples.
        if let record, state.step > 0, isDue(configuration.sampleEvery), record.lacksSamples(of: state.step) {
            try record.save(state, checkpoint: false, samples: true, as: isLast ? .finished : .running)
        }
        let before = state.seconds
        let clock = ContinuousClock()
        let start = clock.now
        var losses = record?.losses ?? []
        let loop = TrainingLoop(steps: configuration.steps, logEvery: configuration.logEvery, group: group)
        let outcome = try loop.run(state, next: loader.next, isCancelled: isCancelled) { result in
            state.seconds = before + (clock.now - start) / .seconds(1)
            if !result.losses.isEmpty { losses = result.losses }
            try keep(result)
            report(
                TrainingProgress(
                    step: state.step, steps: configuration.steps, losses: losses, weights: result.weights,
                    seconds: state.seconds))
        }
        switch outcome {
        case .cancelled:
            try record?.save(state, as: .stopped)
            // A process that ends makes launchers end the others, which must not be while one still writes.
            try group?.barrier()
        case .finished:
            // Again where a process was killed between the last checkpoint and the model.
            if !isFinished { try record?.save(state, as: .finished) }
        }
        return outcome
    }

    private var isLast: Bool { state.step == configuration.steps }

    /// Whether what is done at every multiple of `interval`, and at the end, is to be done now.
    private func isDue(_ interval: Int) -> Bool { isLast || state.step.isMultiple(of: interval) }

    /// Writes what is due after a step: a line of the log, a checkpoint, samples.
    private func keep(_ result: StepResult) throws {
        if !result.losses.isEmpty {
            try record?.append(
                LogEntry(
                    step: state.step, losses: result.losses, weights: result.weights, gradientNorm: result.gradientNorm,
                    learningRate: result.learningRate, seconds: state.seconds))
        }
        let (saves, samples) = (isDue(configuration.checkpointEvery), isDue(configuration.sampleEvery))
        guard saves || samples else { return }
        try record?.save(state, checkpoint: saves, samples: samples, as: isLast ? .finished : .running)
    }
}
