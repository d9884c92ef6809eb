import CTorch

/// The type of a tensor's elements.
public enum DType: Sendable, Hashable, CaseIterable {
    case uint8, int32, int64, float16, bfloat16, float32, float64, bool

    /// The size of one element, in bytes.
    public var byteCount: Int {
        switch self {
        case .uint8, .bool: 1
        case .float16, .bfloat16: 2
        case .int32, .float32: 4
        case .int64, .float64: 8
        }
    }

    /// c10::ScalarType's number.
    var code: Int32 {
        switch self {
        case .uint8: Int32(CT_UINT8)
        case .int32: Int32(CT_INT32)
        case .int64: Int32(CT_INT64)
        case .float16: Int32(CT_FLOAT16)
        case .bfloat16: Int32(CT_BFLOAT16)
        case .float32: Int32(CT_FLOAT32)
        case .float64: Int32(CT_FLOAT64)
        case .bool: Int32(CT_BOOL)
        }
    }

    init?(code: Int32) {
        guard let match = DType.allCases.first(where: { $0.code == code }) else { return nil }
        self = match
    }
}
