import Foundation

/// The learning rate of each step: a linear warm-up, then constant or half a cosine down to zero at the last step.
public struct LearningRateSchedule: Sendable, Equatable {
    public enum Shape: String, Codable, Sendable, CaseIterable {
        case constant, cosine
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
        }
    }
}
