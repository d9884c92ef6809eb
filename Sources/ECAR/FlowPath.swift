import Torch

/// The straight path of every stage from its start to its clean end (Eq. 3.11, 3.12, 3.14; §A.3).
///
/// Time runs from noise to data: a stage's own time τ from 0 to 1, the global label t over [0, 1] once for all stages.
/// Stages count from 0. The start re-noises the clean result of the stage before, so the path is the same in training,
/// where that result is the data's, and in sampling, where it is the model's.
public struct FlowPath: Sendable {
    /// The weight a_s of the signal at every stage's start.
    public let signal: [Double]

    public init(_ configuration: ModelConfiguration) {
        signal = configuration.signal
    }

    /// start_s = a_s·Up(x_{s−1}) + (1 − a_s)·n_s, or n_1 at the first stage (§A.3, upsample and re-noise).
    ///
    /// - Parameters:
    ///   - previous: x_{s−1} (B, C, h/2, h/2), clean; nil at the first stage.
    ///   - noise: n_s (B, C, h, h), drawn afresh for the stage.
    public func start(_ stage: Int, previous: Tensor?, noise: Tensor) throws(TorchError) -> Tensor {
        guard let previous else { return noise }
        let a = signal[stage]
        return try Pyramid.up(previous) * a + noise * (1 - a)  // (B, C, h, h)
    }

    /// z_τ = (1 − τ)·start + τ·end (Eq. 3.12), for τ (B).
    public func point(from start: Tensor, to end: Tensor, at τ: Tensor) throws(TorchError) -> Tensor {
        try start.lerp(to: end, weight: τ.reshape([-1, 1, 1, 1]))  // (B, C, h, h)
    }

    /// dz_τ/dτ = end − start (Eq. 3.14).
    public func velocity(from start: Tensor, to end: Tensor) throws(TorchError) -> Tensor {
        try end - start  // (B, C, h, h)
    }

    /// t = (s − 1 + τ)/S: what the network is told of the time.
    public func globalTime(_ stage: Int, _ τ: Tensor) throws(TorchError) -> Tensor {
        try (τ + Double(stage)) / Double(signal.count)  // (B)
    }
}
