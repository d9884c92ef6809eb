import CTorch

/// Operations of prepared models, which only ever compute forwards. None takes part in gradients.
extension Tensor {
    /// This weight (out, in) of a linear layer in the layout that ``packedLinear(_:bias:gelu:)`` is fastest with.
    public func packed() throws(TorchError) -> Tensor {
        try map { ct_pack_weight($0, $1) }
    }

    /// x·Wᵀ + b in the weight's type, then GELU (tanh approximation) where asked for: (…, in) → (…, out).
    ///
    /// - Parameter weight: Made by ``packed()``.
    public func packedLinear(_ weight: Tensor, bias: Tensor?, gelu: Bool = false) throws(TorchError) -> Tensor {
        try withExtendedLifetime(bias) { () throws(TorchError) in
            try map(weight) { ct_packed_linear($0, $1, bias?.handle, gelu, $2) }
        }
    }

    /// A linear layer in 8-bit integers: its weight (out, in), packed, with the scale of each of its rows (out).
    public struct Int8Weight: Sendable {
        let packed: Tensor
        let scales: Tensor
    }

    /// This weight (out, in) of a linear layer rounded to int8, with one scale a row.
    ///
    /// - Throws: ``TorchError`` where the device has no such products.
    public func packedInt8() throws(TorchError) -> Int8Weight {
        let (packed, scales) = try pair { ct_pack_int8_weight($0, $1, $2) }
        return Int8Weight(packed: packed, scales: scales)
    }

    /// x·Wᵀ + b in integers, of x rounded to 8 bits row by row, each row with a scale of its own; in bfloat16.
    ///
    /// - Parameter bias: float32 (out); nil: none.
    public func int8Linear(_ weight: Int8Weight, bias: Tensor?) throws(TorchError) -> Tensor {
        try withExtendedLifetime((weight, bias)) { () throws(TorchError) in
            try map { ct_int8_linear($0, weight.packed.handle, weight.scales.handle, bias?.handle, $1) }
        }
    }

    /// Two such layers with GELU (tanh approximation) between them: (…, in) → (…, hidden) → (…, out).
    public func int8MLP(_ first: Int8Weight, bias firstBias: Tensor, _ second: Int8Weight, bias secondBias: Tensor)
        throws(TorchError) -> Tensor
    {
        try withExtendedLifetime((first, firstBias, second, secondBias)) { () throws(TorchError) in
            try map {
                ct_int8_mlp(
                    $0, first.packed.handle, first.scales.handle, firstBias.handle, second.packed.handle,
                    second.scales.handle, secondBias.handle, $1)
            }
        }
    }

    /// LayerNorm(x)·(1 + scale) + shift of x (B, N, D), float32; shift and scale are chunks of D of the modulation.
    ///
    /// - Parameters:
    ///   - branch: Added to x, in place, before, in the same pass.
    ///   - dtype: The result's type.
    public func modulatedNorm(
        _ modulation: SplitModulation, shift: Int, scale: Int, epsilon: Double, as dtype: DType,
        adding branch: GatedBranch? = nil
    ) throws(TorchError) -> Tensor {
        let (gates, temporal) = (branch?.modulation, modulation.temporal)
        return try withExtendedLifetime((branch, temporal)) { () throws(TorchError) in
            try map(modulation.spatial) {
                ct_add_gated_and_norm(
                    $0, branch?.y.handle, gates?.spatial.handle, gates?.temporal?.handle, Int64(branch?.gate ?? 0), $1,
                    temporal?.handle, Int64(shift), Int64(scale), epsilon, dtype.code, $2)
            }
        }
    }

    /// x ← x + gate·y for x (B, N, D), float32.
    public func addInPlace(_ branch: GatedBranch) throws(TorchError) {
        let modulation = branch.modulation
        try withExtendedLifetime(branch) { () throws(TorchError) in
            try TorchError.check(
                ct_add_gated_in_place(
                    handle, branch.y.handle, modulation.spatial.handle, modulation.temporal?.handle, Int64(branch.gate))
            )
        }
    }

    /// softmax(q kᵀ / √d) v, the heads side by side: q (B, H, N, d) and k, v (B, H, M, d) → (B, N, H·d).
    public func mergedAttention(key: Tensor, value: Tensor) throws(TorchError) -> Tensor {
        try withExtendedLifetime(value) { () throws(TorchError) in
            try map(key) { ct_merged_attention($0, $1, value.handle, $2) }
        }
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

/// What a branch adds to the tokens: gate·y, the gate being a chunk of D of a modulation.
public struct GatedBranch: Sendable {
    public let y: Tensor  // (B, N, D)
    public let modulation: SplitModulation
    public let gate: Int

    public init(_ y: Tensor, _ modulation: SplitModulation, gate: Int) {
        (self.y, self.modulation, self.gate) = (y, modulation, gate)
    }
}
