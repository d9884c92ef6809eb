import Torch

/// A linear layer prepared for inference: its weight packed once in the layout that the processor multiplies fastest with, the
/// bias part of the product.
///
/// In int8 the weights are rounded with one scale an output and the inputs, on the way, with one scale a row: a token's
/// result never depends on its neighbours.
public struct PackedLinear: Sendable {
    enum Weight: Sendable {
        case float(Tensor)
        case int8(Tensor.Int8Weight)
    }

    let weight: Weight
    let bias: Tensor  // (out)

    /// - Throws: ``TorchError`` for int8 on a device or processor that has it not.
    public init(_ linear: Linear, precision: Precision) throws(TorchError) {
        switch precision {
        case .f32, .bf16:
            weight = .float(try linear.weight.to(precision.matrixType).packed())
            bias = try linear.bias.to(precision.matrixType)
        case .int8:
            weight = .int8(try linear.weight.packedInt8())
            bias = try linear.bias.to(.float32)
        }
    }

    /// - Returns: (…, out) in the precision's `matrixType`, of x (…, in).
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor { try product(x, bias) }

    /// x·Wᵀ alone.
    public func withoutBias(_ x: Tensor) throws(TorchError) -> Tensor { try product(x, nil) }

    /// GELU (tanh approximation) of the layer's result.
    public func withGELU(_ x: Tensor) throws(TorchError) -> Tensor {
        switch weight {
        case .float(let weight): try x.packedLinear(weight, bias: bias, gelu: true)  // in one
        case .int8: try self(x).gelu()
        }
    }

    private func product(_ x: Tensor, _ bias: Tensor?) throws(TorchError) -> Tensor {
        switch weight {
        case .float(let weight): try x.packedLinear(weight, bias: bias)
        case .int8(let weight): try x.int8Linear(weight, bias: bias)
        }
    }
}
