import Torch
import TorchNN

extension DiT {
    /// Begins images of the given classes with noise from a seed. No step is taken before ``DiTSampling/next()``.
    ///
    /// - Parameters:
    ///   - steps: Of the 1000 steps that the model was trained on; the paper's samples take 250.
    ///   - guidance: 1 is none (arXiv 2207.12598). As in the public code, only the noise of the first three channels is
    ///     guided.
    /// - Throws: ``TorchError`` for a class that the model does not have, or no class or step at all.
    public func sampling(labels: [Int], steps: Int = 250, guidance: Double = 1, seed: UInt64) throws -> DiTSampling {
        let shape = configuration.latentShape(batch: labels.count)
        return try sampling(labels: labels, steps: steps, guidance: guidance) { (step) throws(TorchError) in
            try .randn(shape, generator: Generator(seed: Generator.seed(seed, UInt64(step)))).to(device)
        }
    }

    /// Begins images with given noise: one tensor (B, C, h, h) a step, the first of which is where they start from and each
    /// other what the step before it adds.
    public func sampling(labels: [Int], guidance: Double = 1, noises: [Tensor]) throws -> DiTSampling {
        let shape = configuration.latentShape(batch: labels.count)
        guard noises.allSatisfy({ $0.shape == shape }) else {
            throw TorchError("\(labels.count) images need noise of the shape \(shape), not \(noises.map(\.shape))")
        }
        return try sampling(labels: labels, steps: noises.count, guidance: guidance) { (step) throws(TorchError) in
            try noises[step].to(device)
        }
    }

    private func sampling(
        labels: [Int], steps: Int, guidance: Double, noise: @escaping (Int) throws(TorchError) -> Tensor
    ) throws(TorchError) -> DiTSampling {
        if let wrong = labels.first(where: { !(0..<configuration.classes).contains($0) }) {
            throw TorchError("there is no class \(wrong): the model has the classes 0…\(configuration.classes - 1)")
        }
        guard !labels.isEmpty else { throw TorchError("there is no class to make an image of") }
        return DiTSampling(
            model: self, labels: labels, guidance: guidance, schedule: try DiffusionSchedule(.linear, steps: steps),
            noise: noise)
    }
}

/// Images on their way through the diffusion, one step at a time, as the public code's `p_sample_loop` without clipping. A
/// value: a copy can be kept and continued.
///
/// B images, 2B conditions where guidance is in use (the classes first, then the null class).
public struct DiTSampling {
    private static let guidedChannels = 3
    /// The most rows of a modulation that are kept, so that memory does not grow with the steps.
    private static let modulationRows = 64

    /// Of how many steps the modulations are computed in one product; the last product may be of fewer.
    public static func window(conditions: Int) -> Int { max(1, modulationRows / max(1, conditions)) }

    private let model: DiT
    private let images: Int
    private let conditions: [Int]
    private let guidance: Double
    private let schedule: DiffusionSchedule
    private let noise: (Int) throws(TorchError) -> Tensor

    private var index = 0
    private var latents: Tensor?  // (B, C, h, h)
    private var window = 0..<0
    private var modulation: DiTModulation?  // of the steps of the window

    init(
        model: DiT, labels: [Int], guidance: Double, schedule: DiffusionSchedule,
        noise: @escaping (Int) throws(TorchError) -> Tensor
    ) {
        (self.model, self.guidance, self.schedule, self.noise) = (model, guidance, schedule, noise)
        images = labels.count
        let nulls = Array(repeating: model.configuration.nullClass, count: labels.count)
        conditions = guidance == 1 ? labels : labels + nulls
    }

    public var totalSteps: Int { schedule.steps.count }

    /// The latents (B, C, h, h) after one more step; nil after the last.
    public mutating func next() throws -> Tensor? {
        guard index < totalSteps else { return nil }
        return try Runtime.inference { try advance() }
    }

    private mutating func advance() throws(TorchError) -> Tensor {
        let x = if let latents { latents } else { try noise(0) }  // (B, C, h, h)
        let modulation = try currentModulation()
        let parts = try split(model.predict(x, modulation, index - window.lowerBound))
        let added = index < totalSteps - 1 ? try noise(index + 1) : nil
        let next = try schedule.advance(
            x, step: index, prediction: parts.noise, variance: parts.variance, noise: added)  // (B, C, h, h)
        latents = next
        index += 1
        return next
    }

    /// The modulation of a window of steps that the current one is in.
    private mutating func currentModulation() throws(TorchError) -> DiTModulation {
        if window.contains(index), let modulation { return modulation }
        window = index..<min(index + Self.window(conditions: conditions.count), totalSteps)
        let made = try model.modulation(times: schedule.steps[window].map(\.time), labels: conditions)
        modulation = made
        return made
    }

    /// The guided noise and the variance, (B, C, h, h) each, of a prediction (B or 2B, 2C, h, h).
    private func split(_ prediction: Tensor) throws(TorchError) -> (noise: Tensor, variance: Tensor) {
        let channels = model.configuration.channels
        let conditional = try prediction.narrow(0, start: 0, length: images)  // (B, 2C, h, h)
        let parts = try conditional.split(1, lengths: [channels, channels])
        guard guidance != 1 else { return (parts[0], parts[1]) }
        let guided = min(Self.guidedChannels, channels)
        let wanted = try conditional.narrow(1, start: 0, length: guided)
        let null = try prediction.narrow(0, start: images, length: images).narrow(1, start: 0, length: guided)
        let rest = try conditional.narrow(1, start: guided, length: channels - guided)
        return (try .cat([null + (wanted - null) * guidance, rest], 1), parts[1])
    }
}
