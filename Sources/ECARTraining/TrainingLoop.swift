import Torch

/// What a step of training came to.
public struct StepResult: Sendable {
    /// Unweighted; empty where they were not asked for.
    public let losses: [Double]
    /// What every loss counted for in the step.
    public let weights: [Double]
    /// The gradients' joint norm before clipping.
    public let gradientNorm: Double
    public let learningRate: Double

    public init(losses: [Double], weights: [Double], gradientNorm: Double, learningRate: Double) {
        (self.losses, self.weights, self.gradientNorm) = (losses, weights, gradientNorm)
        self.learningRate = learningRate
    }
}

/// Something that learns from batches.
public protocol Learner: AnyObject {
    associatedtype Batch

    /// Steps taken.
    var step: Int { get }

    /// Takes one step.
    ///
    /// - Parameter readsLosses: Whether the losses are wanted; reading them makes the program wait for the device.
    /// - Throws: Where a loss or gradient is not finite; the learner is then as it was.
    func advance(_ batch: Batch, readsLosses: Bool) throws -> StepResult
}

/// The loop of every training: steps until the last one, or until the user wants to stop.
public struct TrainingLoop {
    public enum Outcome: Sendable, Equatable {
        case finished
        /// The user asked to stop.
        case cancelled
    }

    /// Steps of the whole training.
    public let steps: Int
    /// Steps between two of which the losses are read.
    public let logEvery: Int
    /// The processes that share the work, where there are several.
    private let group: ProcessGroup?

    public init(steps: Int, logEvery: Int, group: ProcessGroup? = nil) {
        (self.steps, self.logEvery, self.group) = (steps, logEvery, group)
    }

    /// Takes the remaining steps.
    ///
    /// - Parameters:
    ///   - isCancelled: Asked before every step.
    ///   - didStep: Called after every step.
    public func run<State: Learner>(
        _ learner: State, next: () throws -> State.Batch, isCancelled: () -> Bool,
        didStep: (StepResult) throws -> Void
    ) throws -> Outcome {
        while learner.step < steps {
            if try agrees(isCancelled()) { return .cancelled }
            let logs = learner.step + 1 == steps || (learner.step + 1).isMultiple(of: logEvery)
            try didStep(learner.advance(next(), readsLosses: logs))
        }
        return .finished
    }

    /// Whether any process wants to stop: all do so at the same step, or the others would wait for it.
    private func agrees(_ isCancelled: Bool) throws(TorchError) -> Bool {
        guard let group else { return isCancelled }
        return try group.sum([isCancelled ? 1 : 0])[0] > 0
    }
}
