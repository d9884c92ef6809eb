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
    /// Layer normalisation without learned parts, as adaptive modulation uses it.
    public func normalized() throws(TorchError) -> Tensor {
        try layerNorm(epsilon: LayerNorm.epsilon)  // (…, D)
    }
}
