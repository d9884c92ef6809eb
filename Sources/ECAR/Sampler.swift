import Torch
import TorchNN

/// Draws images from a model (§3.5).
public struct Sampler: Sendable {
    public let model: PreparedModel
    public let settings: SamplingSettings

    /// - Throws: ``ECARError`` where the settings do not fit the model.
    public init(_ model: PreparedModel, settings: SamplingSettings) throws(ECARError) {
        try settings.validate(stages: model.configuration.stages)
        (self.model, self.settings) = (model, settings)
    }

    /// Prepares the model in the given precision, and draws from it.
    public init(_ model: ECARModel, settings: SamplingSettings, precision: Precision = .f32) throws {
        try self.init(PreparedModel(model, precision: precision), settings: settings)
    }

    /// Begins images of the given classes, all noise coming from their seeds. No step is taken before ``Sampling/next()``.
    ///
    /// - Parameters:
    ///   - labels: One class an image, 0 ..< classes.
    ///   - seeds: One seed an image. The noise of an image is a function of its seed and the stage and of nothing else, so
    ///     an image does not depend on its batch.
    /// - Throws: ``ECARError`` for a class that the model does not have.
    public func images(labels: [Int], seeds: [NoiseSeed]) throws -> Sampling {
        try images(labels: labels, noises: noises(seeds, count: labels.count))
    }

    /// The same with plain seeds.
    public func images(labels: [Int], seeds: [UInt64]) throws -> Sampling {
        try images(labels: labels, seeds: seeds.map { NoiseSeed($0) })
    }

    /// Begins images of the given classes from given noise.
    ///
    /// - Parameter noises: n_s (B, C, h_s, h_s) of every stage, standard normal.
    public func images(labels: [Int], noises: [Tensor]) throws -> Sampling {
        try images(continuing: Draft(labels: labels, stages: []), noises: noises)
    }

    /// Goes on with images some of whose stages are complete; the token maps so far are computed again.
    ///
    /// - Parameter seeds: One seed an image; the complete stages do not look at it.
    /// - Throws: ``ECARError`` where the draft is not one of such a model.
    public func images(continuing draft: Draft, seeds: [NoiseSeed]) throws -> Sampling {
        try images(continuing: draft, noises: noises(seeds, count: draft.labels.count))
    }

    private func images(continuing draft: Draft, noises: [Tensor]) throws -> Sampling {
        try draft.validate(model.configuration)
        let shapes = model.configuration.latentShapes(batch: draft.labels.count)
        guard noises.map(\.shape) == shapes else {
            throw ECARError(
                "\(draft.labels.count) images need noise of the shapes \(shapes), not \(noises.map(\.shape))")
        }
        return try Sampling(sampler: self, draft: draft, noises: noises)
    }

    private func noises(_ seeds: [NoiseSeed], count: Int) throws -> [Tensor] {
        guard count == seeds.count, count > 0 else {
            throw ECARError("\(count) classes and \(seeds.count) seeds do not make a batch")
        }
        return try (0..<model.configuration.stages).map { stage in
            try .stack(seeds.map { try $0.noise(stage: stage, model.configuration) })
        }
    }
}
