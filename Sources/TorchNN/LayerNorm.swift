import Torch

/// Layer normalisation (arXiv 1607.06450) over the last dimension, with a learned scale and shift.
public struct LayerNorm: Sendable {
    public static let epsilon = 1e-6

    public let weight: Tensor  // (D)
    public let bias: Tensor  // (D)

    public init(_ parameters: Parameters, _ width: Int) throws(TorchError) {
        weight = try parameters.tensor("weight", [width], .ones)
        bias = try parameters.tensor("bias", [width], .zeros)
    }

    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try x.layerNorm(weight: weight, bias: bias, epsilon: Self.epsilon)  // (…, D)
    }
}

extension Tensor {
    /// LayerNorm(self)·(1 + scale) + shift, in the type of the modulation: a matrix product of that type follows.
    public func modulated(shift: Tensor, scale: Tensor) throws(TorchError) -> Tensor {
        try modulatedNorm(shift: shift, scale: scale, epsilon: LayerNorm.epsilon)  // (…, D)
    }
}
