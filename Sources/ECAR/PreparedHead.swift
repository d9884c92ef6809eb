import Torch
import TorchNN

/// The flow-matching transformer of one stage (§3.3), prepared for sampling; see ``FlowHead``.
///
/// B batch, N tokens, C channels, p patch, o overlap, h side, D width, T times.
struct PreparedHead: Sendable {
    private let side: Int
    private let patch: Int
    private let overlap: Int
    private let condition: PackedMLP?
    private let embed: PackedLinear  // C·(p + 2o)² → D
    private let position: Tensor  // (N, D)
    private let stage: Int
    private let path: FlowPath
    private let time: PackedTimestepEmbedding
    private let blocks: [PackedModulatedBlock]
    private let finalModulation: PackedLinear  // D → 2D
    private let final: PackedLinear  // D → C·p²
    private let type: DType

    init(_ head: FlowHead, precision: Precision) throws(TorchError) {
        let sensitive = precision.ofSensitiveLayers
        (side, patch, overlap, position) = (head.side, head.patch, head.overlap, head.position)
        (stage, path, time) = (head.stage, head.path, try PackedTimestepEmbedding(head.time))
        type = precision.matrixType
        condition = try head.condition.map { (mlp) throws(TorchError) in try PackedMLP(mlp, precision: sensitive) }
        embed = try PackedLinear(head.embed, precision: sensitive)
        blocks = try head.blocks.map { (block) throws(TorchError) in
            try PackedModulatedBlock(
                modulation: block.modulation, attention: block.attention, mlp: block.mlp, precision: precision)
        }
        finalModulation = try PackedLinear(head.final.modulation, precision: sensitive)
        final = try PackedLinear(head.final.linear, precision: sensitive)
    }

    /// The part of the modulation that depends on the token map (B, N, D): once a stage.
    func spatialModulation(_ tokenMap: Tensor) throws(TorchError) -> Modulation {
        let cond = try (condition?(tokenMap) ?? tokenMap).silu()  // (B, N, D)
        return Modulation(
            blocks: try blocks.map { (block) throws(TorchError) in try block.modulation(cond) },  // (B, N, 6D)
            final: try finalModulation(cond))  // (B, N, 2D)
    }

    /// The part of the modulation that depends on the time, for stage times τ (T), in the device's precise type, in one
    /// product a layer.
    func temporalModulation(_ τ: Tensor) throws(TorchError) -> Modulation {
        let t = try path.globalTime(stage, τ)  // (T)
        let e = try time(t).silu().unsqueeze(1)  // (T, 1, D)
        return Modulation(
            blocks: try blocks.map { (block) throws(TorchError) in try block.modulation.withoutBias(e) },  // (T, 1, 6D)
            final: try finalModulation.withoutBias(e))  // (T, 1, 2D)
    }

    /// The velocity dz/dτ of z (B, C, h, h) in float32, at one time for all. Where the spatial modulation is of more rows, 2B,
    /// the velocity is of as many: z under each half's conditions.
    func velocity(_ z: Tensor, spatial: Modulation, temporal: Modulation) throws(TorchError) -> Tensor {
        var embedded = try embed(Patches.split(z, patch: patch, overlap: overlap))  // (B, N, D)
        if spatial.final.shape[0] > z.shape[0] { embedded = try .cat([embedded, embedded], 0) }
        var x = ResidualStream(try embedded + position)  // (B, N, D)
        for (layer, block) in blocks.enumerated() {
            try block(&x, SplitModulation(spatial: spatial.blocks[layer], temporal: temporal.blocks[layer]))
        }
        let m = SplitModulation(spatial: spatial.final, temporal: temporal.final)
        let tokens = try final(x.norm(m, as: type)).to(.float32)  // (B, N, C·p²)
        return try Patches.join(tokens, patch: patch, side: side)  // (B, C, h, h)
    }
}
