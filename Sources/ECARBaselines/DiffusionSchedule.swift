import Foundation
import Torch

/// The steps of a denoising diffusion sampler (DDPM, arXiv 2006.11239) that visits some of the steps it was trained on, with a
/// learned variance between the two bounds of arXiv 2102.09672 §3.1. The model predicts the noise.
public struct DiffusionSchedule: Sendable {
    /// How much noise each training step adds.
    public enum Noise: Sendable {
        /// β from 10⁻⁴ to 0.02, of 1000 steps: DiT.
        case linear
        /// Of arXiv 2102.09672, §3.2: MAR.
        case cosine
    }

    /// x ← state·x − noise·ε + exp(range·v + middle)·n, where v ∈ [−1, 1] is where the variance lies between its bounds.
    struct Step: Sendable {
        /// The training step that the model is told.
        let time: Int
        let state: Double
        let noise: Double
        let range: Double
        let middle: Double
    }

    static let trainingSteps = 1000

    /// In the order of sampling, noisiest first.
    let steps: [Step]

    /// - Throws: ``TorchError`` where there are not 1…1000 steps.
    public init(_ noise: Noise, steps count: Int) throws(TorchError) {
        guard (1...Self.trainingSteps).contains(count) else {
            throw TorchError("there must be 1…\(Self.trainingSteps) diffusion steps, not \(count)")
        }
        let signal = Self.signal(noise)
        let times = Self.times(count)
        // ᾱ of the visited steps, after the 1 of no noise at all.
        let kept = [1] + times.map { signal[$0] }
        let steps = times.indices.map { i in
            let (before, now) = (kept[i], kept[i + 1])
            let (α, β) = (now / before, 1 - now / before)
            // The posterior's mean is x0Weight·x₀ + stateWeight·x, with x₀ = (x − √(1 − ᾱ)·ε)/√ᾱ.
            let x0Weight = β * before.squareRoot() / (1 - now)
            let stateWeight = (1 - before) * α.squareRoot() / (1 - now)
            // The least variance is the posterior's: 0 at the last step, which adds no noise.
            let least = β * (1 - before) / (1 - now)
            let (low, high) = (log(max(least, .leastNormalMagnitude)), log(β))
            return Step(
                time: times[i], state: x0Weight / now.squareRoot() + stateWeight,
                noise: x0Weight * (1 / now - 1).squareRoot(), range: (high - low) / 4, middle: (high + low) / 4)
        }
        self.steps = steps.reversed()
    }

    /// One step from x, of any shape. `variance` is v; the last step adds no noise and needs none.
    func advance(_ x: Tensor, step index: Int, prediction: Tensor, variance: Tensor, noise: Tensor?) throws(TorchError)
        -> Tensor
    {
        let step = steps[index]
        let mean = try x * step.state - prediction * step.noise
        guard let noise, index < steps.count - 1 else { return mean }
        return try mean.addingProduct((variance * step.range + step.middle).exp(), noise)
    }

    // MARK: Numbers

    /// ᾱ_t of every training step: the share of the signal's variance that is left.
    private static func signal(_ noise: Noise) -> [Double] {
        let count = Double(trainingSteps)
        func cosine(_ t: Double) -> Double { pow(cos((t + 0.008) / 1.008 * .pi / 2), 2) }
        func β(_ t: Double) -> Double {
            switch noise {
            case .linear: 1e-4 + (0.02 - 1e-4) * t / (count - 1)
            case .cosine: min(1 - cosine((t + 1) / count) / cosine(t / count), 0.999)
            }
        }
        var left = 1.0
        return (0..<trainingSteps).map { t in
            left *= 1 - β(Double(t))
            return left
        }
    }

    /// Evenly spread steps from the first to the last; one step is the first.
    private static func times(_ count: Int) -> [Int] {
        let stride = count > 1 ? Double(trainingSteps - 1) / Double(count - 1) : 1
        var time = 0.0
        return (0..<count).map { _ in
            defer { time += stride }
            return Int(time.rounded(.toNearestOrEven))
        }
    }
}
