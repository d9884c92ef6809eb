import ECAR
import Torch
import TorchNN

/// What every training does with its gradients: clip them, take a step of AdamW, and follow the weights with their running
/// average.
public final class Optimization {
    public struct Settings: Sendable {
        public var schedule: LearningRateSchedule
        public var beta1 = 0.9
        public var beta2 = 0.999
        public var weightDecay = 0.0
        /// The largest joint norm of the gradients; 0 leaves them as they are.
        public var clipNorm = 0.0
        /// Decay of the running average of the weights.
        public var emaDecay = 0.999

        public init(schedule: LearningRateSchedule) {
            self.schedule = schedule
        }
    }

    public let average: ExponentialMovingAverage
    let optimizer: AdamW
    private let parameters: [Tensor]
    private let settings: Settings

    /// - Parameter parameters: Marked as what gradients are taken with respect to.
    public init(_ parameters: [Tensor], settings: Settings) throws(TorchError) {
        (self.parameters, self.settings) = (parameters, settings)
        average = try ExponentialMovingAverage(parameters)
        for tensor in parameters { _ = try tensor.requiringGradient() }
        optimizer = try AdamW(
            parameters, beta1: settings.beta1, beta2: settings.beta2, weightDecay: settings.weightDecay)
    }

    /// Steps taken.
    public internal(set) var step: Int {
        get { optimizer.step }
        set { optimizer.step = newValue }
    }

    /// Scales the gradients in place so that their joint norm keeps the limit, and returns what it was.
    ///
    /// - Throws: `ECARError` where it is not finite.
    public func clip(_ gradients: [Tensor]) throws -> Double {
        let limit = settings.clipNorm > 0 ? settings.clipNorm : .infinity
        let norm = try TorchNN.clip(gradients, norm: limit)
        try checkFinite(norm, "the norm of the gradients")
        return norm
    }

    /// Takes one step along clipped gradients, and returns the learning rate.
    public func update(_ gradients: [Tensor]) throws(TorchError) -> Double {
        let rate = settings.schedule.rate(at: step)
        let decay = ExponentialMovingAverage.decay(settings.emaDecay, after: step)
        try optimizer.update(gradients: gradients, learningRate: rate)
        try average.update(parameters, decay: decay)
        return rate
    }

    /// - Throws: `ECARError` where a loss or norm of the coming step is not finite; the weights are then as they were.
    public func checkFinite(_ value: Double, _ name: @autoclosure () -> String) throws(ECARError) {
        guard !value.isFinite else { return }
        throw ECARError(
            "training diverged in step \(step + 1): \(name()) is \(value); "
                + "lower the learning rate or the clip norm, or train in f32")
    }
}
