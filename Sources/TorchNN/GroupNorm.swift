import Torch

/// Group normalisation (arXiv 1803.08494) of (B, C, h, w), with a learned scale and shift of every channel.
public struct GroupNorm: Sendable {
    public static let epsilon = 1e-6

    public let weight: Tensor  // (C)
    public let bias: Tensor  // (C)
    public let groups: Int

    /// - Parameter groups: A divisor of the number of channels.
    public init(_ parameters: Parameters, _ channels: Int, groups: Int) throws(TorchError) {
        weight = try parameters.tensor("weight", [channels], .ones)
        bias = try parameters.tensor("bias", [channels], .zeros)
        self.groups = groups
    }

    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try x.groupNorm(groups: groups, weight: weight, bias: bias, epsilon: Self.epsilon)  // (B, C, h, w)
    }
}
