import Foundation
import Torch

/// A vector for a time in [0, 1]: 256 sinusoidal features of 1000·t, then two linear layers with SiLU between them.
public struct TimestepEmbedding: Sendable {
    static let features = 256
    static let period = 10_000.0

    let `in`: Linear  // 256 → D
    let out: Linear  // D → D
    private let frequencies: Tensor  // (128), float64 where the device has it

    public init(_ parameters: Parameters, _ width: Int) throws(TorchError) {
        `in` = try Linear(parameters.scope("in"), Self.features, width, initialization: .normal(0.02))
        out = try Linear(parameters.scope("out"), width, width, initialization: .normal(0.02))
        let half = Self.features / 2
        let values = (0..<half).map { exp(-log(Self.period) * Double($0) / Double(half)) }
        frequencies = try Tensor(bytes: values, shape: [half], dtype: .float64).to(
            parameters.device.preciseType, parameters.device)
    }

    /// [cos(1000·t·f), sin(1000·t·f)] for geometric frequencies f from 1 down to 1/10,000.
    ///
    /// The angles are computed in float64: in float32 the rounding of t alone would turn them by up to 6·10⁻⁵.
    public func sinusoids(_ t: Tensor) throws(TorchError) -> Tensor {
        let angles = try t.to(frequencies.dtype).unsqueeze(1) * 1000 * frequencies  // (T, 128)
        return try .cat([angles.cos(), angles.sin()], 1).to(.float32)  // (T, 256)
    }

    public func callAsFunction(_ t: Tensor) throws(TorchError) -> Tensor {
        try out(`in`(sinusoids(t)).silu())  // (T) → (T, D)
    }
}

/// A ``TimestepEmbedding`` prepared for inference, which computes in float32.
public struct PackedTimestepEmbedding: Sendable {
    private let embedding: TimestepEmbedding
    private let `in`: PackedLinear
    private let out: PackedLinear

    public init(_ embedding: TimestepEmbedding) throws(TorchError) {
        self.embedding = embedding
        `in` = try PackedLinear(embedding.in, precision: .f32)
        out = try PackedLinear(embedding.out, precision: .f32)
    }

    public func callAsFunction(_ t: Tensor) throws(TorchError) -> Tensor {
        try out(`in`(embedding.sinusoids(t)).silu())  // (T) → (T, D)
    }
}
