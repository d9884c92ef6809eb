import Torch
import TorchNN

/// Shifts, scales and gates of every block of a flow head and of its final layer, one part of their sum.
///
/// The modulation of token i at time t is linear in two parts, W·silu(cond_i) + b and W·silu(e(t)). The first is computed
/// once a stage, the second is one vector a step: this is where the method's speed lives.
public struct Modulation: Sendable {
    var blocks: [Tensor]  // depth × (…, 6D)
    var final: Tensor  // (…, 2D)

    /// The row of one step, of the modulations of several times: (T, 1, 6D) → (1, 1, 6D).
    func step(_ index: Int) throws(TorchError) -> Modulation {
        func row(_ x: Tensor) throws(TorchError) -> Tensor { try x.narrow(0, start: index, length: 1) }
        return Modulation(
            blocks: try blocks.map { (block) throws(TorchError) in try row(block) }, final: try row(final))
    }

    /// The images of the given places, in their order.
    func gather(_ places: Tensor) throws(TorchError) -> Modulation {
        Modulation(
            blocks: try blocks.map { (block) throws(TorchError) in try block.gather(0, places) },
            final: try final.gather(0, places))
    }
}

/// A transformer block with adaLN-Zero modulation (arXiv 2212.09748) that differs from token to token.
struct FlowBlock {
    let modulation: Linear  // D → 6D
    let attention: Attention
    let mlp: MLP
    private let parameters: [Tensor]

    init(_ parameters: Parameters, width: Int, heads: Int) throws(TorchError) {
        modulation = try Linear(parameters.scope("modulation"), width, 6 * width, initialization: .zeros)
        attention = try Attention(parameters.scope("attention"), width: width, heads: heads)
        mlp = try MLP(parameters.scope("mlp"), width)
        self.parameters = parameters.tensorsBelow
    }

    func callAsFunction(_ x: Tensor, spatial: Tensor, temporal: Tensor) throws(TorchError) -> Tensor {
        let m = try chunks(spatial + temporal, 6)  // shift, scale, gate of attention, then of MLP: (B, N, D) each
        let h = try x.adding(attention(x.modulated(shift: m[0], scale: m[1])), gate: m[2])  // (B, N, D)
        return try h.adding(mlp(h.modulated(shift: m[3], scale: m[4])), gate: m[5])  // (B, N, D)
    }

    /// The same of the modulation's inputs, silu(cond) (B, N, D) and silu(e(t)) (B, 1, D), all activations computed again
    /// by the backward pass instead of being kept.
    func checkpointed(_ x: Tensor, cond: Tensor, e: Tensor) throws(TorchError) -> Tensor {
        try Torch.checkpointed([x, cond, e], parameters: parameters) { (inputs) throws(TorchError) in
            try self(inputs[0], spatial: modulation(inputs[1]), temporal: modulation.withoutBias(inputs[2]))
        }
    }
}

/// Modulated LayerNorm, then a linear layer to the numbers of a patch.
struct FinalLayer {
    let modulation: Linear  // D → 2D
    let linear: Linear  // D → C·p²

    init(_ parameters: Parameters, width: Int, features: Int) throws(TorchError) {
        modulation = try Linear(parameters.scope("modulation"), width, 2 * width, initialization: .zeros)
        linear = try Linear(parameters.scope("linear"), width, features, initialization: .zeros)
    }

    func callAsFunction(_ x: Tensor, spatial: Tensor, temporal: Tensor) throws(TorchError) -> Tensor {
        let m = try chunks(spatial + temporal, 2)  // shift, scale: (B, N, D) each
        return try linear(x.modulated(shift: m[0], scale: m[1]))  // (B, N, C·p²)
    }
}

/// The last dimension in `count` equal parts.
private func chunks(_ x: Tensor, _ count: Int) throws(TorchError) -> [Tensor] {
    let (last, size) = (x.shape.count - 1, (x.shape.last ?? 0) / count)
    return try x.split(last, lengths: Array(repeating: size, count: count))
}

/// The flow-matching transformer of one stage (§3.3): the velocity of the image, given the token map at every position.
///
/// B batch, N tokens, C channels, p patch, o overlap, h side, D width, T times.
public struct FlowHead {
    let stage: Int
    let side: Int
    let patch: Int
    let overlap: Int
    let path: FlowPath
    let condition: MLP?
    let embed: Linear  // C·(p + 2o)² → D
    let position: Tensor  // (N, D)
    let time: TimestepEmbedding
    let blocks: [FlowBlock]
    let final: FinalLayer

    init(_ configuration: ModelConfiguration, stage: Int, _ parameters: Parameters) throws(TorchError) {
        self.stage = stage
        (side, patch, overlap) = (configuration.sides[stage], configuration.patches[stage], configuration.overlap)
        path = FlowPath(configuration)
        let (width, features) = (configuration.width, configuration.patchFeatures(stage))
        condition = configuration.conditionMLP ? try MLP(parameters.scope("condition"), width) : nil
        embed = try Linear(parameters.scope("embed"), configuration.seenFeatures(stage), width)
        position = try parameters.tensor("position", [configuration.tokens(stage), width], .grid(spacing: 1))
        time = try TimestepEmbedding(parameters.scope("time"), width)
        blocks = try (0..<configuration.flowDepths[stage]).map { (layer) throws(TorchError) in
            try FlowBlock(parameters.scope("blocks").scope(layer), width: width, heads: configuration.heads)
        }
        final = try FinalLayer(parameters.scope("final"), width: width, features: features)
    }

    /// silu(cond), of the token map (B, N, D).
    private func cond(_ tokenMap: Tensor) throws(TorchError) -> Tensor {
        try (condition?(tokenMap) ?? tokenMap).silu()  // (B, N, D)
    }

    /// silu(e(t)), of stage times τ (T).
    private func e(_ τ: Tensor) throws(TorchError) -> Tensor {
        let t = try path.globalTime(stage, τ.to(τ.device.preciseType))  // (T)
        return try time(t).silu().unsqueeze(1)  // (T, 1, D)
    }

    /// The part of the modulation that depends on the token map (B, N, D): once a stage.
    public func spatialModulation(_ tokenMap: Tensor) throws(TorchError) -> Modulation {
        let cond = try self.cond(tokenMap)  // (B, N, D)
        return Modulation(
            blocks: try blocks.map { (block) throws(TorchError) in try block.modulation(cond) },  // (B, N, 6D)
            final: try final.modulation(cond))  // (B, N, 2D)
    }

    /// The part of the modulation that depends on the time, for stage times τ (T).
    public func temporalModulation(_ τ: Tensor) throws(TorchError) -> Modulation {
        let e = try self.e(τ)  // (T, 1, D)
        return Modulation(
            blocks: try blocks.map { (block) throws(TorchError) in try block.modulation.withoutBias(e) },  // (T, 1, 6D)
            final: try final.modulation.withoutBias(e))  // (T, 1, 2D)
    }

    /// The velocity dz/dτ of z (B, C, h, h), of the same shape. The temporal part is of B times, or of one for all.
    public func velocity(_ z: Tensor, spatial: Modulation, temporal: Modulation) throws(TorchError) -> Tensor {
        try velocity(z, spatial: spatial.final, temporal: temporal.final) { (layer, h) throws(TorchError) in
            try blocks[layer](h, spatial: spatial.blocks[layer], temporal: temporal.blocks[layer])
        }
    }

    /// The same at times τ (B), the blocks' activations computed again by the backward pass instead of being kept.
    func checkpointedVelocity(_ z: Tensor, tokenMap: Tensor, at τ: Tensor) throws(TorchError) -> Tensor {
        let (cond, e) = (try cond(tokenMap), try e(τ))  // (B, N, D), (B, 1, D)
        return try velocity(
            z, spatial: final.modulation(cond), temporal: final.modulation.withoutBias(e)
        ) { (layer, h) throws(TorchError) in try blocks[layer].checkpointed(h, cond: cond, e: e) }
    }

    /// - Parameters:
    ///   - spatial, temporal: Of the final layer.
    ///   - block: What a layer makes of the tokens (B, N, D).
    private func velocity(
        _ z: Tensor, spatial: Tensor, temporal: Tensor, _ block: (Int, Tensor) throws(TorchError) -> Tensor
    ) throws(TorchError) -> Tensor {
        var h = try embed(Patches.split(z, patch: patch, overlap: overlap)) + position  // (B, N, D)
        for layer in blocks.indices { h = try block(layer, h) }  // (B, N, D)
        let tokens = try final(h, spatial: spatial, temporal: temporal)  // (B, N, C·p²)
        return try Patches.join(tokens, patch: patch, side: side)  // (B, C, h, h)
    }
}
