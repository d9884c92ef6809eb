import Torch

/// An ``MLP`` prepared for inference, its activation part of the first product.
public struct PackedMLP: Sendable {
    private let `in`: PackedLinear
    private let out: PackedLinear

    public init(_ mlp: MLP, precision: Precision) throws(TorchError) {
        `in` = try PackedLinear(mlp.in, precision: precision)
        out = try PackedLinear(mlp.out, precision: precision)
    }

    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        if case .int8(let first) = `in`.weight, case .int8(let second) = out.weight {
            return try x.int8MLP(first, bias: `in`.bias, second, bias: out.bias)  // the hidden layer stays in 8 bits
        }
        return try out(`in`.withGELU(x))  // (B, N, D) → (B, N, 4D) → (B, N, D)
    }
}

/// The keys and values of the tokens seen so far, of one attention layer. A value: a copy can be kept and continued.
public struct KeyValueCache: Sendable {
    private var keys: Tensor?  // (B, H, M, d)
    private var values: Tensor?  // (B, H, M, d)

    public init() {}

    /// Takes the keys and values of further tokens and returns those of all tokens.
    mutating func append(_ key: Tensor, _ value: Tensor) throws(TorchError) -> (Tensor, Tensor) {
        let all = (
            try keys.map { (old) throws(TorchError) in try Tensor.cat([old, key], 2) } ?? key,
            try values.map { (old) throws(TorchError) in try Tensor.cat([old, value], 2) } ?? value
        )
        (keys, values) = all
        return all
    }

    /// The cache of some of the rows, in their order.
    ///
    /// - Parameter rows: int64 (R).
    public func gather(_ rows: Tensor) throws(TorchError) -> KeyValueCache {
        var copy = self
        copy.keys = try keys.map { (x) throws(TorchError) in try x.gather(0, rows) }
        copy.values = try values.map { (x) throws(TorchError) in try x.gather(0, rows) }
        return copy
    }
}

/// An ``Attention`` prepared for inference.
public struct PackedAttention: Sendable {
    private let qkv: PackedLinear
    private let out: PackedLinear
    private let heads: Int

    public init(_ attention: Attention, precision: Precision) throws(TorchError) {
        qkv = try PackedLinear(attention.qkv, precision: precision)
        out = try PackedLinear(attention.out, precision: precision)
        heads = attention.heads
    }

    /// Every token sees every token.
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        let (q, k, v) = try qkv(x).splitHeads(heads)  // (B, H, N, d)
        return try out(q.mergedAttention(key: k, value: v))  // (B, N, D)
    }

    /// The tokens see each other and all that the cache has seen, and are added to it.
    public func callAsFunction(_ x: Tensor, cache: inout KeyValueCache) throws(TorchError) -> Tensor {
        let (q, k, v) = try qkv(x).splitHeads(heads)  // (B, H, N, d)
        let (keys, values) = try cache.append(k, v)  // (B, H, M + N, d)
        return try out(q.mergedAttention(key: keys, value: values))  // (B, N, D)
    }
}

/// Shifts, scales and gates (adaLN, arXiv 2212.09748) as the sum of a part that may differ from token to token and of one that
/// is the same for all. The sum is taken where it is used and never kept.
public struct SplitModulation: Sendable {
    public let spatial: Tensor  // (B|1, N|1, k·D)
    public let temporal: Tensor?  // (1, 1, k·D)

    public init(spatial: Tensor, temporal: Tensor? = nil) {
        (self.spatial, self.temporal) = (spatial, temporal)
    }
}

extension Tensor {
    /// LayerNorm(x)·(1 + scale) + shift of x (B, N, D), float32; shift and scale are chunks of D of the modulation.
    public func modulatedNorm(_ modulation: SplitModulation, shift: Int, scale: Int, as dtype: DType)
        throws(TorchError) -> Tensor
    {
        try modulatedNorm(
            spatial: modulation.spatial, temporal: modulation.temporal, shift: shift, scale: scale,
            epsilon: LayerNorm.epsilon, as: dtype)  // (B, N, D)
    }

    /// x ← x + gate·y, for x (B, N, D), float32; the gate is a chunk of D of the modulation.
    public func addGatedInPlace(_ y: Tensor, _ modulation: SplitModulation, gate: Int) throws(TorchError) {
        try addGatedInPlace(y, spatial: modulation.spatial, temporal: modulation.temporal, gate: gate)
    }
}

/// A transformer block with adaLN-Zero modulation, prepared for inference: that of E-CAR's flow heads and of DiT.
public struct PackedModulatedBlock: Sendable {
    /// D → 6D: shift, scale and gate of attention, then of the MLP.
    public let modulation: PackedLinear
    private let attention: PackedAttention
    private let mlp: PackedMLP
    private let type: DType

    public init(modulation: Linear, attention: Attention, mlp: MLP, precision: Precision) throws(TorchError) {
        self.modulation = try PackedLinear(modulation, precision: precision.ofSensitiveLayers)
        self.attention = try PackedAttention(attention, precision: precision)
        self.mlp = try PackedMLP(mlp, precision: precision)
        type = precision.matrixType
    }

    /// Changes the tokens x (B, N, D), float32, in place.
    public func callAsFunction(_ x: Tensor, _ m: SplitModulation) throws(TorchError) {
        try x.addGatedInPlace(attention(x.modulatedNorm(m, shift: 0, scale: 1, as: type)), m, gate: 2)
        try x.addGatedInPlace(mlp(x.modulatedNorm(m, shift: 3, scale: 4, as: type)), m, gate: 5)
    }
}
