import Torch

/// A linear layer prepared for inference: weights packed once in the layout that the processor multiplies fastest with, bias and
/// activation part of the product.
///
/// In int8 the weights are rounded with one scale an output and the inputs, on the way, with one scale a row: a token's
/// result never depends on its neighbours.
public struct PackedLinear: Sendable {
    public enum Activation: Sendable {
        case none
        /// GELU, tanh approximation.
        case gelu
    }

    private enum Weight: Sendable {
        case float(Tensor)
        case int8(Tensor, scales: Tensor)
    }

    private let weight: Weight
    private let bias: Tensor  // (out)
    private let activation: Activation

    /// - Throws: ``TorchError`` for int8 on a device or processor that has it not.
    public init(_ linear: Linear, precision: Precision, activation: Activation = .none) throws(TorchError) {
        switch precision {
        case .f32, .bf16:
            weight = .float(try linear.weight.to(precision.matrixType).packed())
            bias = try linear.bias.to(precision.matrixType)
        case .int8:
            let (packed, scales) = try linear.weight.packedInt8()
            weight = .int8(packed, scales: scales)
            bias = try linear.bias.to(.float32)
        }
        self.activation = activation
    }

    /// - Returns: (…, out) in the precision's `matrixType`, of x (…, in).
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor { try product(x, bias) }

    /// x·Wᵀ alone, and the activation.
    public func withoutBias(_ x: Tensor) throws(TorchError) -> Tensor { try product(x, nil) }

    private func product(_ x: Tensor, _ bias: Tensor?) throws(TorchError) -> Tensor {
        let gelu = activation == .gelu
        return switch weight {
        case .float(let weight): try x.packedLinear(weight, bias: bias, gelu: gelu)
        case .int8(let weight, let scales): try x.int8Linear(weight, scales: scales, bias: bias, gelu: gelu)
        }
    }
}
