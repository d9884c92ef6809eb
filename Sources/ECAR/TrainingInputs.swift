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
    ///
    /// - Parameter seeds: One an image. What is drawn for an image depends on its seed alone, so that a batch may be divided
    ///   among processes in any way.
    public static func draw(
        latents: Tensor, labels: [Int], configuration: ModelConfiguration, settings: NoiseSettings, seeds: [UInt64]
    ) throws(TorchError) -> TrainingInputs {
        let (batch, device, stages) = (labels.count, latents.device, configuration.stages)
        let sizes = (0..<stages).map { configuration.latentShape($0, batch: 1).reduce(1, *) }
        let hasConditionNoise = settings.conditionNoise > 0 && stages > 1
        let lengths = [stages] + sizes + (hasConditionNoise ? Array(sizes.dropFirst()) : [])
        var (uniforms, normals): ([Tensor], [Tensor]) = ([], [])
        for seed in seeds {
            let generator = try Generator(seed: seed)
            uniforms.append(try .rand([1 + stages], generator: generator))
            normals.append(try .randn([lengths.reduce(0, +)], generator: generator))
        }
        let chances = try Tensor.stack(uniforms)  // (B, 1 + S)
        let draws = try Tensor.stack(normals).to(device).split(1, lengths: lengths)  // (B, …) each

        let dropped = try chances.narrow(1, start: 0, length: 1).floats()
        let kept = zip(labels, dropped).map { Double($1) < settings.labelDropout ? configuration.nullClass : $0 }
        let times =
            switch settings.timeSampling {
            case .uniform: try chances.narrow(1, start: 1, length: stages).to(device)
            case .logitNormal: try draws[0].sigmoid()
            }
        func image(_ values: Tensor, _ stage: Int) throws(TorchError) -> Tensor {
            try values.reshape(configuration.latentShape(stage, batch: batch))  // (B, C, h_s, h_s)
        }
        var inputs = TrainingInputs(
            latents: latents, labels: try Tensor(kept, device: device), times: try times.unbind(1, count: stages),
            noises: [])
        for stage in 0..<stages { inputs.noises.append(try image(draws[1 + stage], stage)) }
        if hasConditionNoise {
            for stage in 1..<stages {
                let noise = try image(draws[stages + stage], stage) * settings.conditionNoise
                inputs.conditionNoises.append(noise)
            }
        }
        return inputs
    }
}
