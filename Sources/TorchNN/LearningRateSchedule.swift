import Foundation

/// The learning rate of each step: a linear warm-up, then one of several shapes.
public struct LearningRateSchedule: Sendable, Equatable {
    public enum Shape: String, Codable, Sendable, CaseIterable {
        case constant
        /// Half a cosine down to zero at the last step.
        case cosine
        /// Constant, but for the last fifth of the steps: there 1 − √progress down to zero (arXiv 2405.18392). A run may be
        /// made longer or shorter as long as its last fifth has not begun, and is what it would have been.
        case warmupStableDecay
    }

    public var peak: Double
    public var warmupSteps: Int
    public var steps: Int
    public var shape: Shape

    public init(peak: Double, warmupSteps: Int, steps: Int, shape: Shape) {
        (self.peak, self.warmupSteps, self.steps, self.shape) = (peak, warmupSteps, steps, shape)
    }

    /// The rate of a step, counted from 0.
    public func rate(at step: Int) -> Double {
        if step < warmupSteps { return peak * Double(step + 1) / Double(warmupSteps) }
        switch shape {
        case .constant: return peak
        case .cosine:
            let progress = Double(step - warmupSteps) / Double(max(1, steps - warmupSteps))
            return peak * 0.5 * (1 + cos(.pi * min(1, progress)))
        case .warmupStableDecay:
            let decay = Double(steps) / 5
            let progress = (Double(step - steps) + decay) / max(1, decay)
            return peak * (1 - min(1, max(0, progress)).squareRoot())
        }
    }
}
