import Torch

/// How the random parts of a training step are drawn.
public struct NoiseSettings: Codable, Sendable, Equatable {
    /// The distribution of the stage time τ.
    public enum TimeSampling: String, Codable, Sendable, CaseIterable {
        /// τ ~ U(0, 1), the paper's.
        case uniform
        /// τ = sigmoid(N(0, 1)), which looks at the middle of the path more often (arXiv 2403.03206).
        case logitNormal
    }

    /// How often a label is replaced by the null class, for guidance.
    public var labelDropout: Double
    /// The size of Gaussian noise on the autoregressive transformer's input images, against exposure bias.
    public var conditionNoise: Double
    public var timeSampling: TimeSampling

    public init(labelDropout: Double = 0.1, conditionNoise: Double = 0, timeSampling: TimeSampling = .uniform) {
        (self.labelDropout, self.conditionNoise, self.timeSampling) = (labelDropout, conditionNoise, timeSampling)
    }
}

/// Everything that one training step needs besides the weights: a batch, and its random draws.
public struct TrainingInputs {
    public var latents: Tensor  // x_S (B, C, h_S, h_S)
    public var labels: Tensor  // int64 (B), the null class where dropped
    public var times: [Tensor]  // S × τ (B)
    public var noises: [Tensor]  // S × n_s (B, C, h_s, h_s)
    public var conditionNoises: [Tensor]  // S − 1 × (B, C, h_{s+1}, h_{s+1}), or none

    public init(
        latents: Tensor, labels: Tensor, times: [Tensor], noises: [Tensor], conditionNoises: [Tensor] = []
    ) {
        self.latents = latents
        self.labels = labels
        self.times = times
        self.noises = noises
        self.conditionNoises = conditionNoises
    }

    /// Draws labels to drop, times and noises for a batch, fresh and independent at every stage.
    public static func draw(
        latents: Tensor, labels: [Int], configuration: ModelConfiguration, settings: NoiseSettings, generator: Generator
    ) throws(TorchError) -> TrainingInputs {
        let (batch, device) = (labels.count, latents.device)
        let dropped = try Tensor.rand([batch], generator: generator).floats()
        let kept = zip(labels, dropped).map { Double($1) < settings.labelDropout ? configuration.nullClass : $0 }
        var inputs = TrainingInputs(
            latents: latents, labels: try Tensor(kept, device: device), times: [], noises: [])
        for stage in 0..<configuration.stages {
            let shape = configuration.latentShape(stage, batch: batch)
            switch settings.timeSampling {
            case .uniform: inputs.times.append(try .rand([batch], generator: generator).to(device))
            case .logitNormal: inputs.times.append(try .randn([batch], generator: generator).sigmoid().to(device))
            }
            inputs.noises.append(try .randn(shape, generator: generator).to(device))
            if stage > 0, settings.conditionNoise > 0 {
                let noise = try .randn(shape, generator: generator) * settings.conditionNoise
                inputs.conditionNoises.append(try noise.to(device))
            }
        }
        return inputs
    }
}
