import ECAR
import ECARImages
import Foundation
import Torch
import TorchNN

/// All that decides what a training run computes, besides the pictures themselves.
///
/// Read strictly from JSON: every key must be there, save for those declared optional, and an unknown one is an error.
public struct TrainingConfiguration: Codable, Sendable, Equatable {
    /// How pictures become the model's inputs.
    public struct DataSettings: Codable, Sendable, Equatable {
        /// Where the pictures or their latents are; the command's `--data` fills it in.
        public var path: String?
        /// The autoencoder's weights; the command's `--autoencoder` fills it in.
        public var autoencoder: String?
        /// How a picture becomes a square.
        public var fit: ImageFit
        /// Whether half of the pictures are mirrored left to right.
        public var flip: Bool
        /// With r > 0, a random square of 1−r … 1 of the shorter side is taken instead of the largest one.
        public var randomCrop: Double
        /// With b > 0, classes come in proportion to nᶜ, c = 1−b, for n pictures of a class: 1 shows all equally often (Kang and
        /// others 2020, arXiv 1910.09217). Without it, every picture comes once a pass.
        public var classBalance: Double?
    }

    /// The type in which a finished model's weights are stored.
    public enum WeightType: String, Codable, Sendable, CaseIterable {
        case f32, bf16
    }

    /// A sentence for the reader: what to expect, on what hardware, from which command.
    public var about: String?
    public var model: ModelConfiguration
    /// The folder of a model of the same architecture whose weights the run begins with; the command's `--from` fills it in.
    public var from: String?
    /// The space that the model works in.
    public var latentSpace: LatentSpace
    /// One name a class; without it, the data set's.
    public var classNames: [String]?
    public var data: DataSettings
    /// How the model is sampled: in the run's own samples, and later by default.
    public var sampling: SamplingSettings
    /// Steps of the whole run.
    public var steps: Int
    /// Pictures of one step.
    public var batchSize: Int
    /// Parts into which a process divides its share of a step's pictures to save memory; their gradients are added.
    public var microBatches: Int
    /// What share of a step's pictures trains each stage: 1 of the first, and never more than of the stage before. Without it,
    /// all pictures train every stage. The finest ones cost the most, and may learn soonest.
    public var stageShares: [Double]?
    /// Whether the backward pass computes the layers again, but for the last one that all stages share,
    /// instead of keeping all activations, to save memory.
    public var activationCheckpointing: Bool
    public var learningRate: Double
    public var warmupSteps: Int
    public var schedule: LearningRateSchedule.Shape
    public var beta1: Double
    public var beta2: Double
    public var weightDecay: Double
    /// Muon for the matrices of the blocks; without it every step is AdamW's.
    public var muon: Muon.Settings?
    /// The largest joint norm of the gradients; 0 leaves them as they are.
    public var clipNorm: Double
    /// Decay of the running average of the weights.
    public var emaDecay: Double
    /// How often a label is replaced by the null class.
    public var labelDropout: Double
    /// The size of the noise on the autoregressive transformer's input images.
    public var conditionNoise: Double
    public var timeSampling: NoiseSettings.TimeSampling
    /// GradNorm's settings; without them every stage's loss weighs 1.
    public var gradNorm: GradNorm.Settings?
    /// The arithmetic of training; the weights themselves are kept in float32.
    public var precision: Precision
    /// The type of the weights in the finished model's file.
    public var weights: WeightType
    /// Every random number of the run derives from it.
    public var seed: UInt64
    /// Steps between two lines of the log, two sheets of samples, two checkpoints.
    public var logEvery: Int
    public var sampleEvery: Int
    public var checkpointEvery: Int
    /// How many of the newest checkpoints stay.
    public var keepCheckpoints: Int
}

extension TrainingConfiguration {
    public var noise: NoiseSettings {
        NoiseSettings(labelDropout: labelDropout, conditionNoise: conditionNoise, timeSampling: timeSampling)
    }

    var optimization: Optimization.Settings {
        var settings = Optimization.Settings(
            schedule: LearningRateSchedule(
                peak: learningRate, warmupSteps: warmupSteps, steps: steps, shape: schedule))
        (settings.beta1, settings.beta2, settings.weightDecay) = (beta1, beta2, weightDecay)
        (settings.muon, settings.clipNorm, settings.emaDecay) = (muon, clipNorm, emaDecay)
        return settings
    }

    /// - Throws: `ECARError` where the model that the run would begin with is none, or of another architecture.
    public func checkGivenModel() throws {
        guard let from else { return }
        guard try ModelDirectory.readDescription(URL(fileURLWithPath: from)).architecture == model else {
            throw ECARError("\(from): its architecture is not the configuration's \"model\", so its weights do not fit")
        }
    }

    /// The weights that the run begins with, if a model is given.
    func givenWeights() throws -> [String: Tensor]? {
        try checkGivenModel()
        return try from.map { try ModelDirectory.load(URL(fileURLWithPath: $0)).model.parameters.dictionary }
    }

    /// The side of the pictures, in pixels.
    public var side: Int { (model.sides.last ?? 0) * latentSpace.reduction }

    /// The channels of the pictures.
    var pictureChannels: Int { latentSpace.pictureChannels(latentChannels: model.channels) }

    /// - Throws: `ECARError` naming the first setting that cannot be.
    public func validate() throws(ECARError) {
        func demand(_ condition: Bool, _ message: @autoclosure () -> String) throws(ECARError) {
            if !condition { throw ECARError("training configuration: \(message())") }
        }
        try model.validate()
        try sampling.validate(stages: model.stages)
        try demand(
            latentSpace.channels.contains(model.channels),
            "model.channels cannot be \(model.channels) in the latent space \(latentSpace.rawValue)")
        if let classNames {
            try demand(
                classNames.count == model.classes, "\(classNames.count) classNames for \(model.classes) classes")
        }
        for (name, count) in [
            ("steps", steps), ("batchSize", batchSize), ("microBatches", microBatches), ("logEvery", logEvery),
            ("sampleEvery", sampleEvery), ("checkpointEvery", checkpointEvery), ("keepCheckpoints", keepCheckpoints),
        ] {
            try demand((1...1_000_000_000).contains(count), "\(name) must be at least 1, not \(count)")
        }
        try demand(
            batchSize.isMultiple(of: microBatches),
            "batchSize \(batchSize) is not a multiple of \(microBatches) microBatches")
        if let stageShares {
            try demand(
                stageShares.count == model.stages && stageShares.first == 1 && stageShares.allSatisfy { $0 > 0 }
                    && zip(stageShares, stageShares.dropFirst()).allSatisfy { $0 >= $1 },
                "stageShares must be \(model.stages) positive numbers that begin with 1 and do not rise, not \(stageShares)"
            )
        }
        try demand(
            data.fit == .crop || data.randomCrop == 0, "data.randomCrop needs data.fit to be \"crop\", not \"pad\"")
        try demand(
            Precision.ofTraining.contains(precision), "models are trained in f32 or bf16, not in \(precision.rawValue)")
        try demand(warmupSteps >= 0, "warmupSteps must not be negative, but is \(warmupSteps)")
        for (name, value) in [("weightDecay", weightDecay), ("clipNorm", clipNorm), ("conditionNoise", conditionNoise)]
        {
            try demand(value >= 0 && value.isFinite, "\(name) must not be negative, but is \(value)")
        }
        try demand(learningRate > 0 && learningRate.isFinite, "learningRate must be positive, not \(learningRate)")
        for (name, value) in [
            ("beta1", beta1), ("beta2", beta2), ("emaDecay", emaDecay), ("labelDropout", labelDropout),
            ("data.randomCrop", data.randomCrop),
        ] {
            try demand((0..<1).contains(value), "\(name) must be in [0, 1), not \(value)")
        }
        if let balance = data.classBalance {
            try demand((0...1).contains(balance), "data.classBalance must be in 0…1, not \(balance)")
        }
        if let muon {
            try demand(
                muon.learningRate > 0 && muon.learningRate.isFinite,
                "muon.learningRate must be positive, not \(muon.learningRate)")
            try demand((0..<1).contains(muon.momentum), "muon.momentum must be in [0, 1), not \(muon.momentum)")
        }
        if let gradNorm {
            try demand((0...100).contains(gradNorm.alpha), "gradNorm.alpha must be in 0…100, not \(gradNorm.alpha)")
            try demand(
                (0...1).contains(gradNorm.learningRate),
                "gradNorm.learningRate must be in 0…1, not \(gradNorm.learningRate)")
            try demand(
                (0..<1).contains(gradNorm.smoothing), "gradNorm.smoothing must be in [0, 1), not \(gradNorm.smoothing)")
        }
    }
}
