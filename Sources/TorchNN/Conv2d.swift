import Torch

/// A convolution of (B, C, h, w).
public struct Conv2d: Sendable {
    public let weight: Tensor  // (O, C, kh, kw)
    public let bias: Tensor?  // (O)
    public let stride: Int
    /// Zeros above and below, and left and right.
    public let padding: (rows: Int, columns: Int)

    /// - Parameters:
    ///   - kernel: Its side; or its height, where `width` is given.
    ///   - padding: Zeros on every side; by default as many as keep the size at stride 1.
    public init(
        _ parameters: Parameters, _ inputs: Int, _ outputs: Int, kernel: Int, width: Int? = nil, stride: Int = 1,
        padding: Int? = nil, hasBias: Bool = true
    ) throws(TorchError) {
        let width = width ?? kernel
        // He et al. 2015 (arXiv 1502.01852): keeps the variance through layers of ReLU.
        let deviation = (2 / Double(inputs * kernel * width)).squareRoot()
        weight = try parameters.tensor("weight", [outputs, inputs, kernel, width], .normal(deviation))
        bias = hasBias ? try parameters.tensor("bias", [outputs], .zeros) : nil
        self.stride = stride
        self.padding = (padding ?? kernel / 2, padding ?? width / 2)
    }

    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try x.conv2d(weight: weight, bias: bias, stride: stride, padding: padding)  // (B, O, h/stride, w/stride)
    }
}
