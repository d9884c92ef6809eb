import Torch
import TorchNN

/// One layer of the autoregressive transformer: pre-norm attention and MLP.
struct ARBlock {
    let norm1: LayerNorm
    let attention: Attention
    let norm2: LayerNorm
    let mlp: MLP
    private let parameters: [Tensor]

    init(_ parameters: Parameters, width: Int, heads: Int) throws(TorchError) {
        norm1 = try LayerNorm(parameters.scope("norm1"), width)
        attention = try Attention(parameters.scope("attention"), width: width, heads: heads)
        norm2 = try LayerNorm(parameters.scope("norm2"), width)
        mlp = try MLP(parameters.scope("mlp"), width)
        self.parameters = parameters.tensorsBelow
    }

    /// All stages at once, each blind to those after it.
    func callAsFunction(_ x: Tensor, blocks: [Int]) throws(TorchError) -> Tensor {
        let h = try x + attention(norm1(x), blocks: blocks)  // (B, ΣN, D)
        return try h + mlp(norm2(h))  // (B, ΣN, D)
    }

    /// The same, its activations computed again by the backward pass instead of being kept.
    func checkpointed(_ x: Tensor, blocks: [Int]) throws(TorchError) -> Tensor {
        try Torch.checkpointed([x], parameters: parameters) { (inputs) throws(TorchError) in
            try self(inputs[0], blocks: blocks)  // (B, ΣN, D)
        }
    }
}

/// The autoregressive transformer (§3.2, Table 1): from the class and the clean image so far to one token map a stage.
///
/// It sees only what is independent of the noise that is still to be removed. Were it shown the noisy state, the velocity
/// could be computed from its output: the loss would fall to nothing and sampling would collapse.
///
/// B batch, N tokens of a stage, D width; stages count from 0.
public struct ARTransformer {
    let configuration: ModelConfiguration
    let classEmbedding: Embedding
    let positions: [Tensor]  // S × (N, D)
    let embeds: [Linear?]  // S × (C·(p + 2o)² → D), none at the first stage
    let blocks: [ARBlock]
    let norm: LayerNorm

    init(_ configuration: ModelConfiguration, _ parameters: Parameters) throws(TorchError) {
        self.configuration = configuration
        let (width, stages) = (configuration.width, 0..<configuration.stages)
        classEmbedding = try Embedding(parameters.scope("class_embedding"), configuration.classes + 1, width)
        // On one map for all stages: what shows the same part of the image begins at the same place.
        let finest = configuration.tokenSides.max() ?? 1
        positions = try stages.map { (stage) throws(TorchError) in
            let spacing = Double(finest) / Double(configuration.tokenSides[stage])
            return try parameters.scope("positions")
                .tensor("\(stage)", [configuration.tokens(stage), width], .grid(spacing: spacing))
        }
        embeds = try stages.map { (stage) throws(TorchError) in
            guard stage > 0 else { return nil }
            return try Linear(parameters.scope("embeds").scope(stage), configuration.seenFeatures(stage), width)
        }
        blocks = try (0..<configuration.arDepth).map { (layer) throws(TorchError) in
            try ARBlock(parameters.scope("blocks").scope(layer), width: width, heads: configuration.heads)
        }
        norm = try LayerNorm(parameters.scope("norm"), width)
    }

    /// A stage's input tokens: position + class + (after the first stage) the embedded patches of Up(x_{s−1}).
    ///
    /// - Parameters:
    ///   - labels: int64 (B).
    ///   - upsampled: Up(x_{s−1}) (B, C, h, h); nil at the first stage.
    func tokens(_ stage: Int, labels: Tensor, upsampled: Tensor?) throws(TorchError) -> Tensor {
        let base = try classEmbedding(labels).unsqueeze(1) + positions[stage]  // (B, N, D)
        guard let embed = embeds[stage], let upsampled else { return base }
        let patches = try Patches.split(
            upsampled, patch: configuration.patches[stage], overlap: configuration.overlap)
        return try base + embed(patches)  // (B, N, D)
    }

    /// The sequence after `layers` of the layers: tokens of the first stages in, or of all, one sequence out.
    ///
    /// - Parameter upsampled: Up(x_1) … Up(x_{s−1}), each of the side of the stage that it is the input of.
    func hidden(labels: Tensor, upsampled: [Tensor], layers: Int, checkpointing: Bool = false) throws(TorchError)
        -> Tensor
    {
        let tokens = try (0...upsampled.count).map { (stage) throws(TorchError) in
            try self.tokens(stage, labels: labels, upsampled: stage > 0 ? upsampled[stage - 1] : nil)  // (B, N_s, D)
        }
        return try run(
            .cat(tokens, 1), stages: tokens.count, layers: 0..<layers, checkpointing: checkpointing)  // (B, ΣN, D)
    }

    /// The sequence of the first `stages` stages, or of all, passed through some of the layers.
    ///
    /// - Parameter checkpointing: Whether the backward pass computes each layer again.
    func run(_ sequence: Tensor, stages: Int, layers: Range<Int>, checkpointing: Bool = false) throws(TorchError)
        -> Tensor
    {
        var h = sequence
        let lengths = Array(configuration.tokenCounts.prefix(stages))
        for block in blocks[layers] {
            h = try checkpointing ? block.checkpointed(h, blocks: lengths) : block(h, blocks: lengths)  // (B, ΣN, D)
        }
        return h
    }

    /// The last step: LayerNorm, then one token map M_s (B, N_s, D) for each of the sequence's stages.
    func split(_ h: Tensor, stages: Int) throws(TorchError) -> [Tensor] {
        try norm(h).split(1, lengths: Array(configuration.tokenCounts.prefix(stages)))
    }

    /// The token maps of the first stages, or of all, block-causally masked: M_s depends on the class and x_1 … x_{s−1} alone.
    ///
    /// - Parameter upsampled: Up(x_1), …; one fewer than stages.
    public func callAsFunction(labels: Tensor, upsampled: [Tensor]) throws(TorchError) -> [Tensor] {
        try split(
            hidden(labels: labels, upsampled: upsampled, layers: blocks.count), stages: upsampled.count + 1)
    }
}
