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

/// The tokens x (B, N, D), float32, that a transformer's branches read and add to. What a branch adds is added when the next one
/// reads, in one pass over memory.
public struct ResidualStream {
    private let x: Tensor  // (B, N, D)
    private var branch: GatedBranch?

    /// - Parameter x: Changed in place from now on.
    public init(_ x: Tensor) { self.x = x }

    /// LayerNorm(x)·(1 + scale) + shift (B, N, D); shift and scale are chunks of D of the modulation.
    public mutating func norm(_ modulation: SplitModulation, shift: Int = 0, scale: Int = 1, as dtype: DType)
        throws(TorchError) -> Tensor
    {
        let result = try x.modulatedNorm(
            modulation, shift: shift, scale: scale, epsilon: LayerNorm.epsilon, as: dtype, adding: branch)
        branch = nil
        return result
    }

    /// x ← x + gate·y; the gate is a chunk of D of the modulation.
    public mutating func add(_ y: Tensor, _ modulation: SplitModulation, gate: Int = 2) throws(TorchError) {
        _ = try tokens()
        branch = GatedBranch(y, modulation, gate: gate)
    }

    /// x with all that was added.
    public mutating func tokens() throws(TorchError) -> Tensor {
        if let branch { try x.addInPlace(branch) }
        branch = nil
        return x
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

    public func callAsFunction(_ x: inout ResidualStream, _ m: SplitModulation) throws(TorchError) {
        try x.add(attention(x.norm(m, shift: 0, scale: 1, as: type)), m, gate: 2)
        try x.add(mlp(x.norm(m, shift: 3, scale: 4, as: type)), m, gate: 5)
    }
}
