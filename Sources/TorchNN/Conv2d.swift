import Torch

/// A convolution of (B, C, h, w) with square kernels.
public struct Conv2d: Sendable {
    public let weight: Tensor  // (O, C, k, k)
    public let bias: Tensor?  // (O)
    public let stride: Int
    public let padding: Int

    /// - Parameter padding: Zeros on every side; by default as many as keep the size at stride 1.
    public init(
        _ parameters: Parameters, _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int? = nil,
        hasBias: Bool = true
    ) throws(TorchError) {
        weight = try parameters.tensor("weight", [outputs, inputs, kernel, kernel], .xavierUniform)
        bias = hasBias ? try parameters.tensor("bias", [outputs], .zeros) : nil
        self.stride = stride
        self.padding = padding ?? kernel / 2
    }

    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try x.conv2d(weight: weight, bias: bias, stride: stride, padding: padding)  // (B, O, h/stride, w/stride)
    }
}
