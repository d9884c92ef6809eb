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

    /// LayerNorm(x)·(1 + scale) + shift of x (B, N, D), float32.
    ///
    /// - Parameters:
    ///   - spatial: (B|1, N|1, k·D); shift and scale are its chunks of D of the given indices…
    ///   - temporal: …plus those of this (1, 1, k·D).
    ///   - dtype: The result's type.
    public func modulatedNorm(
        spatial: Tensor, temporal: Tensor?, shift: Int, scale: Int, epsilon: Double, as dtype: DType
    ) throws(TorchError) -> Tensor {
        try withExtendedLifetime(temporal) { () throws(TorchError) in
            try map(spatial) {
                ct_modulated_norm($0, $1, temporal?.handle, Int64(shift), Int64(scale), epsilon, dtype.code, $2)
            }
        }
    }

    /// x ← x + gate·y for x (B, N, D), float32; the gate is a chunk of `spatial` plus `temporal`.
    public func addGatedInPlace(_ y: Tensor, spatial: Tensor, temporal: Tensor?, gate: Int) throws(TorchError) {
        try withExtendedLifetime((y, spatial, temporal)) { () throws(TorchError) in
            try TorchError.check(
                ct_add_gated_in_place(handle, y.handle, spatial.handle, temporal?.handle, Int64(gate)))
        }
    }

    /// softmax(q kᵀ / √d) v, the heads side by side: q (B, H, N, d) and k, v (B, H, M, d) → (B, N, H·d).
    public func mergedAttention(key: Tensor, value: Tensor) throws(TorchError) -> Tensor {
        try withExtendedLifetime(value) { () throws(TorchError) in
            try map(key) { ct_merged_attention($0, $1, value.handle, $2) }
        }
    }
}
