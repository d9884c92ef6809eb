import Torch

/// The arithmetic of matrix products. What is added up over layers and steps stays in float32.
public enum Precision: String, Codable, Sendable, CaseIterable {
    case f32, bf16
    /// Linear layers of transformer blocks in 8-bit integers, all other products in bf16. For prepared models alone.
    case int8

    /// The type of what prepared layers put out, and of what lies between them.
    public var matrixType: DType { self == .f32 ? .float32 : .bfloat16 }

    /// The type that a linear layer's parameters are best read in before they are packed: int8 rounds once, not twice.
    public var weightType: DType { self == .bf16 ? .bfloat16 : .float32 }

    /// Where rounding shows most: in modulations, embeddings and the last layer.
    public var ofSensitiveLayers: Precision { self == .int8 ? .bf16 : self }

    /// The precisions that models are trained in, and that ordinary layers run in.
    public static let ofTraining: [Precision] = [.f32, .bf16]

    /// Runs `body` with ordinary layers' matrix products in this precision on the given device.
    public func run<Value>(on device: Device, _ body: () throws -> Value) throws -> Value {
        switch self {
        case .f32: try body()
        case .bf16, .int8: try Runtime.autocast(.bfloat16, on: device, body)
        }
    }
}
