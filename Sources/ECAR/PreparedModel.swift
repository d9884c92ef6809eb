import Torch
import TorchNN

/// A model prepared for sampling: the same mathematics as ``ECARModel``, forwards only, at the machine's speed.
///
/// Weights are packed once, the spatial modulations of a stage are computed once, the temporal ones of many steps in one
/// product, and what lies between two matrix products is one pass over memory. ``ECARModel`` is the definition, and checks
/// this one.
public struct PreparedModel: Sendable {
    public let configuration: ModelConfiguration
    public let path: FlowPath
    public let device: Device
    public let precision: Precision
    let ar: PreparedTransformer
    let heads: [PreparedHead]

    /// Packs copies of the model's matrices. The model itself is needed no longer, but must not be trained on meanwhile: small
    /// parameters, such as positions, are shared with it.
    ///
    /// - Throws: ``TorchError`` for a precision that the device does not have.
    public init(_ model: ECARModel, precision: Precision = .f32) throws {
        (configuration, path, device) = (model.configuration, model.path, model.device)
        self.precision = precision
        (ar, heads) = try Runtime.inference {
            (
                try PreparedTransformer(model.ar, precision: precision),
                try model.heads.map { try PreparedHead($0, precision: precision) }
            )
        }
    }
}

/// The autoregressive transformer (§3.2), one stage at a time; see ``ARTransformer``.
struct PreparedTransformer: Sendable {
    private struct Block: Sendable {
        let norm1: LayerNorm
        let attention: PackedAttention
        let norm2: LayerNorm
        let mlp: PackedMLP

        func callAsFunction(_ x: Tensor, cache: inout KeyValueCache) throws(TorchError) -> Tensor {
            let h = try x + attention(norm1(x), cache: &cache)  // (B, N, D)
            return try h + mlp(norm2(h))  // (B, N, D)
        }
    }

    private let configuration: ModelConfiguration
    private let classEmbedding: Embedding
    private let positions: [Tensor]  // S × (N, D)
    private let embeds: [PackedLinear?]  // S × (C·(p + 2o)² → D), none at the first stage
    private let blocks: [Block]
    private let norm: LayerNorm

    init(_ ar: ARTransformer, precision: Precision) throws(TorchError) {
        (configuration, classEmbedding, positions, norm) = (ar.configuration, ar.classEmbedding, ar.positions, ar.norm)
        embeds = try ar.embeds.map { (embed) throws(TorchError) in
            guard let embed else { return nil }
            return try PackedLinear(embed, precision: precision.ofSensitiveLayers)
        }
        blocks = try ar.blocks.map { (block) throws(TorchError) in
            Block(
                norm1: block.norm1, attention: try PackedAttention(block.attention, precision: precision),
                norm2: block.norm2, mlp: try PackedMLP(block.mlp, precision: precision))
        }
    }

    func makeCache() -> [KeyValueCache] { blocks.map { _ in KeyValueCache() } }

    /// The token map (B, N, D) of the next stage.
    ///
    /// - Parameters:
    ///   - labels: int64 (B).
    ///   - upsampled: Up(x̂_{s−1}) (B, C, h, h); nil at the first stage.
    ///   - cache: What the layers have seen so far.
    func next(_ stage: Int, labels: Tensor, upsampled: Tensor?, cache: inout [KeyValueCache]) throws(TorchError)
        -> Tensor
    {
        var h = try classEmbedding(labels).unsqueeze(1) + positions[stage]  // (B, N, D)
        if let embed = embeds[stage], let upsampled {
            let patches = try Patches.split(
                upsampled, patch: configuration.patches[stage], overlap: configuration.overlap)
            h = try h + embed(patches)  // (B, N, D)
        }
        for (layer, block) in blocks.enumerated() { h = try block(h, cache: &cache[layer]) }  // (B, N, D)
        return try norm(h)  // (B, N, D)
    }
}
