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
///
/// A stage is trained by the first B_s of the B images, B_1 = B, and no stage by more than the one before it.
public struct TrainingInputs {
    public var latents: Tensor  // x_S (B, C, h_S, h_S)
    public var labels: Tensor  // int64 (B), the null class where dropped
    public var times: [Tensor]  // S × τ (B_s)
    public var noises: [Tensor]  // S × n_s (B_s, C, h_s, h_s)
    public var conditionNoises: [Tensor]  // S − 1 × (B_{s+1}, C, h_{s+1}, h_{s+1}), or none

    public init(
        latents: Tensor, labels: Tensor, times: [Tensor], noises: [Tensor], conditionNoises: [Tensor] = []
    ) {
        self.latents = latents
        self.labels = labels
        self.times = times
        self.noises = noises
        self.conditionNoises = conditionNoises
    }

    /// Draws labels to drop, times and all noises for a batch, fresh and independent at every stage.
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

extension TrainingInputs {
    /// Every `parts`-th image, from the `index`-th on; to be taken before ``sharing(_:)``.
    public func part(_ index: Int, of parts: Int) throws(TorchError) -> TrainingInputs {
        let places = try Tensor(Array(stride(from: index, to: labels.shape[0], by: parts)), device: labels.device)
        func picked(_ all: [Tensor]) throws(TorchError) -> [Tensor] {
            try all.map { (x) throws(TorchError) in try x.gather(0, places) }
        }
        return TrainingInputs(
            latents: try latents.gather(0, places), labels: try labels.gather(0, places), times: try picked(times),
            noises: try picked(noises), conditionNoises: try picked(conditionNoises))
    }

    /// The same inputs, each stage trained by the first images alone, as many as its share of them. What was drawn for an
    /// image stays what it was.
    ///
    /// - Parameter shares: Of every stage, in (0, 1]; the first is 1, and none is greater than the one before it.
    public func sharing(_ shares: [Double]) throws(TorchError) -> TrainingInputs {
        var inputs = self
        for (s, share) in shares.enumerated().dropFirst() {
            let count = Int((Double(labels.shape[0]) * share).rounded())
            inputs.times[s] = try times[s].first(count)
            inputs.noises[s] = try noises[s].first(count)
            if !conditionNoises.isEmpty { inputs.conditionNoises[s - 1] = try conditionNoises[s - 1].first(count) }
        }
        return inputs
    }

    /// B_s.
    func count(of stage: Int) -> Int { times[stage].shape[0] }

    /// Images that train the same stages, and so pass the autoregressive transformer together.
    struct Group {
        let labels: Tensor  // int64 (images)
        let upsampled: [Tensor]  // (stages − 1) × (images, C, h_{s+1}, h_{s+1})

        var stages: Int { upsampled.count + 1 }
    }

    /// All images in order, which puts those that train the most stages first.
    ///
    /// - Parameter upsampled: Up(x_s) of the images that train stage s + 1, (S − 1) × (B_{s+1}, C, h_{s+1}, h_{s+1}).
    func groups(upsampled: [Tensor]) throws(TorchError) -> [Group] {
        var groups: [Group] = []
        var first = 0
        for stage in times.indices.reversed() where count(of: stage) > first {
            let length = count(of: stage) - first
            groups.append(
                Group(
                    labels: try labels.narrow(0, start: first, length: length),
                    upsampled: try upsampled.prefix(stage).map { (x) throws(TorchError) in
                        try x.narrow(0, start: first, length: length)
                    }))
            first += length
        }
        return groups
    }
}

extension Tensor {
    /// The first so many entries of the first dimension.
    func first(_ count: Int) throws(TorchError) -> Tensor { try narrow(0, start: 0, length: count) }
}
