import Torch
import TorchNN

/// A learned LayerNorm and the residual branch that it begins, as a modulation that is the same for all tokens: shift b, scale
/// w − 1, gate 1. It so shares the fused operations of modulated blocks.
func branch(_ parameters: Parameters, _ width: Int) throws(TorchError) -> SplitModulation {
    let norm = try LayerNorm(parameters, width)
    let gate = try Tensor.full([width], 1, device: parameters.device)
    return SplitModulation(
        spatial: try .cat([norm.bias, norm.weight - 1, gate], 0).reshape([1, 1, 3 * width]))  // (1, 1, 3D)
}

/// A transformer block as in ViT (arXiv 2010.11929); its GELU is the tanh approximation, the public code's is exact.
private struct ViTBlock {
    let norm1: SplitModulation
    let attention: PackedAttention
    let norm2: SplitModulation
    let mlp: PackedMLP

    init(_ parameters: Parameters, width: Int, heads: Int, precision: Precision) throws(TorchError) {
        norm1 = try branch(parameters.scope("norm1"), width)
        attention = try PackedAttention(
            Attention(parameters.scope("attention"), width: width, heads: heads), precision: precision)
        norm2 = try branch(parameters.scope("norm2"), width)
        mlp = try PackedMLP(MLP(parameters.scope("mlp"), width), precision: precision)
    }

    func attend(_ x: inout ResidualStream, as type: DType) throws(TorchError) {
        try x.add(attention(x.norm(norm1, as: type)), norm1)
    }

    func transform(_ x: inout ResidualStream, as type: DType) throws(TorchError) {
        try x.add(mlp(x.norm(norm2, as: type)), norm2)
    }
}

/// MAR's encoder and decoder. The encoder sees the known tokens alone, the decoder all positions.
///
/// Attention does not see order: tokens stand in the order in which they become known, each with its position's embedding.
/// The known ones thus come first, the next ones right behind them, and nothing is ever scattered.
///
/// R rows (images, or images with and without their class), M buffer tokens, K known tokens, N all tokens, D width.
struct MARTransformer {
    private let embed: PackedLinear  // C → D
    private let embedNorm: LayerNorm
    private let encoderPosition: Tensor  // (M + N, D)
    private let encoder: [ViTBlock]
    private let encoderNorm: SplitModulation
    private let decoderEmbed: PackedLinear  // D → D
    private let mask: Tensor  // (D)
    private let decoderPosition: Tensor  // (M + N, D)
    private let decoder: [ViTBlock]
    private let decoderNorm: SplitModulation
    private let headPosition: Tensor  // (N, D)
    private let buffer: Int
    private let tokens: Int
    private let width: Int
    private let type: DType

    init(_ c: MARConfiguration, _ parameters: Parameters, precision: Precision) throws(TorchError) {
        (buffer, tokens, width, type) = (c.buffer, c.tokens, c.width, precision.matrixType)
        func blocks(_ parameters: Parameters) throws(TorchError) -> [ViTBlock] {
            try (0..<c.depth).map { (layer) throws(TorchError) in
                try ViTBlock(parameters.scope(layer), width: c.width, heads: c.heads, precision: precision)
            }
        }
        let (first, second) = (parameters.scope("encoder"), parameters.scope("decoder"))
        embed = try PackedLinear(Linear(first.scope("embed"), c.channels, width), precision: .f32)
        embedNorm = try LayerNorm(first.scope("embedNorm"), width)
        encoderPosition = try first.tensor("position", [buffer + tokens, width], .normal(0.02))
        encoder = try blocks(first.scope("blocks"))
        encoderNorm = try branch(first.scope("norm"), width)
        decoderEmbed = try PackedLinear(
            Linear(second.scope("embed"), width, width), precision: precision.ofSensitiveLayers)
        mask = try second.tensor("mask", [width], .normal(0.02))
        decoderPosition = try second.tensor("position", [buffer + tokens, width], .normal(0.02))
        decoder = try blocks(second.scope("blocks"))
        decoderNorm = try branch(second.scope("norm"), width)
        headPosition = try second.tensor("headPosition", [tokens, width], .normal(0.02))
    }

    /// The embeddings of positions for given orders, one a row.
    struct Positions {
        fileprivate let encoder: Tensor  // (R, N, D)
        fileprivate let decoder: Tensor  // (R, M + N, D)
        fileprivate let head: Tensor  // (R, N, D)
    }

    func positions(orders: [[Int]]) throws(TorchError) -> Positions {
        let device = headPosition.device
        func ordered(_ table: Tensor, buffer: Int, offset: Int) throws(TorchError) -> Tensor {
            let rows = orders.flatMap { Array(0..<buffer) + $0.map { $0 + offset } }
            return try table.gather(0, Tensor(rows, device: device)).reshape([orders.count, -1, width])
        }
        return Positions(
            encoder: try ordered(encoderPosition, buffer: 0, offset: buffer),
            decoder: try ordered(decoderPosition, buffer: buffer, offset: buffer),
            head: try ordered(headPosition, buffer: 0, offset: 0))
    }

    /// What the encoder sees before any token is known, of class embeddings (R, D): (R, M, D).
    func start(_ classes: Tensor) throws(TorchError) -> Tensor {
        try embedNorm(encoderPosition.narrow(0, start: 0, length: buffer) + classes.unsqueeze(1))  // (R, M, D)
    }

    /// What the encoder sees, `seen` (R, M + K, D), with the next tokens (R, n, C) added.
    func append(_ tokens: Tensor, to seen: Tensor, _ positions: Positions) throws(TorchError) -> Tensor {
        let (known, count) = (seen.shape[1] - buffer, tokens.shape[1])
        let position = try positions.encoder.narrow(1, start: known, length: count)  // (R, n, D)
        return try .cat([seen, embedNorm(embed(tokens) + position)], 1)  // (R, M + K + n, D)
    }

    /// What the diffusion head is told of the next `count` tokens (R, n, D), given all that the encoder sees (R, M + K, D).
    func conditions(_ seen: Tensor, next count: Int, _ positions: Positions) throws(TorchError) -> Tensor {
        let (rows, length) = (seen.shape[0], seen.shape[1])
        var x = ResidualStream(try seen.clone())  // (R, M + K, D)
        for block in encoder {
            try block.attend(&x, as: type)
            try block.transform(&x, as: type)
        }
        let encoded = try decoderEmbed(x.norm(encoderNorm, as: type)).to(.float32)
        let unknown = try mask.expand([rows, buffer + tokens - length, width])  // (R, N − K, D)
        var y = ResidualStream(try .cat([encoded, unknown], 1) + positions.decoder)  // (R, M + N, D)
        for block in decoder.dropLast() {
            try block.attend(&y, as: type)
            try block.transform(&y, as: type)
        }
        // From here on a token depends on itself alone.
        try decoder.last?.attend(&y, as: type)
        var next = ResidualStream(try y.tokens().narrow(1, start: length, length: count).clone())  // (R, n, D)
        try decoder.last?.transform(&next, as: type)
        let position = try positions.head.narrow(1, start: length - buffer, length: count)  // (R, n, D)
        return try next.norm(decoderNorm, as: .float32) + position  // (R, n, D)
    }
}
