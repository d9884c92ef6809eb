import Torch

/// The arithmetic of matrix products. All else stays in float32.
public enum Precision: String, Codable, Sendable, CaseIterable {
    case f32, bf16

    /// The type of a linear layer's parameters where they are only read.
    public var matrixType: DType { self == .bf16 ? .bfloat16 : .float32 }

    /// Runs `body` with matrix products in this precision on the given device.
    public func run<Value>(on device: Device, _ body: () throws -> Value) throws -> Value {
        switch self {
        case .f32: try body()
        case .bf16: try Runtime.autocast(.bfloat16, on: device, body)
        }
    }
}
