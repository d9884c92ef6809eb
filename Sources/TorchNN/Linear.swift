import Torch

/// y = x·Wᵀ + b.
public struct Linear: Sendable {
    public let weight: Tensor  // (out, in)
    public let bias: Tensor  // (out)

    /// - Parameter initialization: Of the weight; the bias begins at zero.
    public init(
        _ parameters: Parameters, _ inputs: Int, _ outputs: Int, initialization: Initialization = .xavierUniform
    ) throws(TorchError) {
        let dtype = parameters.matrixType
        weight = try parameters.tensor("weight", [outputs, inputs], initialization, dtype: dtype)
        bias = try parameters.tensor("bias", [outputs], .zeros, dtype: dtype)
    }

    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try x.linear(weight: weight, bias: bias)  // (…, in) → (…, out)
    }

    /// x·Wᵀ alone.
    public func withoutBias(_ x: Tensor) throws(TorchError) -> Tensor {
        try x.linear(weight: weight, bias: nil)  // (…, in) → (…, out)
    }
}
