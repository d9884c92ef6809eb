import CTorch

/// Where a tensor lives and is computed with.
public enum Device: Sendable, Hashable, CustomStringConvertible {
    case cpu
    case cuda(Int)
    case mps

    /// Whether this process can use the device. CUDA needs a full libtorch beside the program and a driver.
    public var isAvailable: Bool { ct_has_device(handle) }

    /// The fastest device of this machine: CUDA, else MPS, else the CPU.
    public static var best: Device {
        [.cuda(0), .mps].first { $0.isAvailable } ?? .cpu
    }

    /// The most precise floating-point type of the device: Apple's GPUs have no float64.
    public var preciseType: DType { self == .mps ? .float32 : .float64 }

    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        case .mps: "mps"
        }
    }

    var handle: ct_device {
        switch self {
        case .cpu: ct_device(kind: Int32(CT_CPU), index: 0)
        case .cuda(let index): ct_device(kind: Int32(CT_CUDA), index: Int32(clamping: index))
        case .mps: ct_device(kind: Int32(CT_MPS), index: 0)
        }
    }

    init(handle: ct_device) {
        switch handle.kind {
        case Int32(CT_CUDA): self = .cuda(Int(handle.index))
        case Int32(CT_MPS): self = .mps
        default: self = .cpu
        }
    }
}
