import Torch
import TorchNN

/// Shifts, scales and gates of all blocks and of the final layer, at T times for B conditions.
struct DiTModulation {
    let blocks: [Tensor]  // depth × (T, B, 6D)
    let final: Tensor  // (T, B, 2D)
}

/// A diffusion transformer (DiT, arXiv 2212.09748), prepared for sampling: a peer to measure E-CAR against, on the same
/// engine.
///
/// B conditions, N tokens, C channels, p patch, h side, D width, T times.
public struct DiT {
    public let configuration: DiTConfiguration
    public let precision: Precision
    public let device: Device

    private let embed: PackedLinear  // C·p² → D
    private let position: Tensor  // (N, D)
    private let time: TimestepEmbedding
    private let classEmbedding: Embedding
    private let blocks: [PackedModulatedBlock]  // a modulation is one vector an image
    private let finalModulation: PackedLinear  // D → 2D
    private let final: PackedLinear  // D → 2·C·p²

    /// What a fresh model has where training begins at zeros: with zeros the network would do nothing.
    static let smallNumbers = Initialization.normal(0.02)

    /// Takes the parameters layer by layer and packs each at once.
    ///
    /// - Throws: ``TorchError`` for a configuration that cannot be, missing weights, or a precision that the device does
    ///   not have.
    public init(_ configuration: DiTConfiguration, _ parameters: Parameters, precision: Precision) throws(TorchError) {
        try configuration.validate()
        (self.configuration, self.precision, device) = (configuration, precision, parameters.device)
        let (width, features) = (configuration.width, configuration.patchFeatures)
        embed = try PackedLinear(Linear(parameters.scope("embed"), features, width), precision: .f32)
        position = try GridPositions.make(side: configuration.side / configuration.patch, width: width).to(device)
        time = try TimestepEmbedding(parameters.scope("time"), width)
        classEmbedding = try Embedding(parameters.scope("classes"), configuration.classes + 1, width)
        blocks = try (0..<configuration.depth).map { (layer) throws(TorchError) in
            let scope = parameters.scope("blocks").scope(layer)
            return try PackedModulatedBlock(
                modulation: Linear(
                    scope.scope("modulation"), width, 6 * width, initialization: Self.smallNumbers),
                attention: Attention(scope.scope("attention"), width: width, heads: configuration.heads),
                mlp: MLP(scope.scope("mlp"), width), precision: precision)
        }
        let final = parameters.scope("final")
        finalModulation = try PackedLinear(
            Linear(final.scope("modulation"), width, 2 * width, initialization: Self.smallNumbers),
            precision: precision.ofSensitiveLayers)
        self.final = try PackedLinear(
            Linear(final.scope("linear"), width, 2 * features, initialization: Self.smallNumbers), precision: .f32)
    }

    /// The noise and where its variance lies between its bounds (B, 2C, h, h), predicted for latents (B, C, h, h) at one
    /// training step, 0…999, each with its own class.
    public func predict(_ latents: Tensor, at step: Int, labels: [Int]) throws -> Tensor {
        try Runtime.inference {
            let modulation = try modulation(times: [step], labels: labels)
            return try predict(latents, modulation, 0)
        }
    }

    /// Of several training steps, in one product a layer.
    func modulation(times: [Int], labels: [Int]) throws(TorchError) -> DiTModulation {
        // Exact: the embedding multiplies by the 1000 that this divides by.
        let fractions = try Tensor(bytes: times.map { Double($0) / 1000 }, shape: [times.count], dtype: .float64)
            .to(device.preciseType, device)
        let classes = try classEmbedding(Tensor(labels, device: device))  // (B, D)
        let conditions = try (time(fractions).unsqueeze(1) + classes).silu()  // (T, B, D)
        return DiTModulation(
            blocks: try blocks.map { (block) throws(TorchError) in try block.modulation(conditions) },  // (T, B, 6D)
            final: try finalModulation(conditions))  // (T, B, 2D)
    }

    /// The prediction under the modulation at its `index`-th time. Where that is of twice as many conditions as there are
    /// latents, both halves are predicted for the same latents.
    func predict(_ latents: Tensor, _ modulation: DiTModulation, _ index: Int) throws(TorchError) -> Tensor {
        func now(_ m: Tensor) throws(TorchError) -> SplitModulation {
            SplitModulation(spatial: try m.narrow(0, start: index, length: 1).transpose(0, 1))  // (B, 1, k·D)
        }
        var embedded = try embed(Patches.split(latents, patch: configuration.patch)) + position  // (B, N, D)
        if modulation.final.shape[1] > latents.shape[0] { embedded = try .cat([embedded, embedded], 0) }
        var x = ResidualStream(embedded)
        for (layer, block) in blocks.enumerated() {
            try block(&x, now(modulation.blocks[layer]))  // (B, N, D)
        }
        let tokens = try final(x.norm(now(modulation.final), as: .float32))  // (B, N, 2·C·p²)
        return try Patches.join(tokens, patch: configuration.patch, side: configuration.side)  // (B, 2C, h, h)
    }
}
