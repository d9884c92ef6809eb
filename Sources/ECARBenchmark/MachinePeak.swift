import CPeak
import Foundation
import TorchNN

/// What the processor can do where nothing waits for memory, in GFLOP/s, a multiply–add counting as two: the best that
/// loops of nothing but multiply–adds in registers reached, on all threads at once. It is never a matrix product.
public struct MachinePeak: Codable, Sendable, Equatable {
    /// Of each type; nil where this processor has no instruction for it, or the work is done elsewhere.
    public private(set) var f32 = OrNull<Double>()
    public private(set) var bf16 = OrNull<Double>()
    public private(set) var int8 = OrNull<Double>()
    /// The instructions that reached it, by type.
    public private(set) var instructions: [String: String] = [:]

    /// No peak at all.
    public init() {}

    /// Measures all types.
    ///
    /// - Parameters:
    ///   - threads: More than there are processors are as many as those.
    ///   - seconds: Of each type.
    public init(threads: Int, seconds: Double) {
        let threads = max(1, min(threads, ProcessInfo.processInfo.activeProcessorCount))
        func measure(_ kind: Int, _ name: String) -> OrNull<Double> {
            var instruction: UnsafePointer<CChar>?
            let rate = cp_peak(Int32(kind), Int32(threads), seconds, &instruction)
            guard rate > 0, let instruction else { return OrNull() }
            instructions[name] = String(cString: instruction)
            return OrNull(rate / 1e9)
        }
        f32 = measure(CP_F32, "f32")
        bf16 = measure(CP_BF16, "bf16")
        int8 = measure(CP_INT8, "int8")
    }

    public subscript(precision: Precision) -> Double? {
        switch precision {
        case .f32: f32.value
        case .bf16: bf16.value
        case .int8: int8.value
        }
    }

    /// Takes over what another measurement found higher, and the instructions that did it.
    public mutating func formMaximum(_ other: MachinePeak) {
        func take(_ path: WritableKeyPath<MachinePeak, OrNull<Double>>, _ name: String) {
            guard let value = other[keyPath: path].value, value > self[keyPath: path].value ?? 0 else { return }
            self[keyPath: path] = other[keyPath: path]
            instructions[name] = other.instructions[name]
        }
        take(\.f32, "f32")
        take(\.bf16, "bf16")
        take(\.int8, "int8")
    }
}

/// A value that is written as null where there is none, so that readers find its key.
public struct OrNull<Value: Codable & Sendable & Equatable>: Codable, Sendable, Equatable {
    public var value: Value?

    public init(_ value: Value? = nil) { self.value = value }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        value = container.decodeNil() ? nil : try container.decode(Value.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let value { try container.encode(value) } else { try container.encodeNil() }
    }
}
