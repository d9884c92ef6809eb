import ArgumentParser
import ECAR
import Foundation
import Torch
import TorchNN

extension Precision: ExpressibleByArgument {
    /// An option's value where ordinary layers compute.
    ///
    /// - Throws: `ValidationError` for int8, which only prepared models know, and for what is none.
    @Sendable static func ofOrdinaryLayers(_ text: String) throws -> Precision {
        if let precision = Precision(rawValue: text), ofTraining.contains(precision) { return precision }
        throw ValidationError("--precision \(text): here there are f32 and bf16")
    }
}
extension Solver: ExpressibleByArgument {}

/// Where to compute.
enum DeviceChoice: String, ExpressibleByArgument, CaseIterable {
    case auto, cpu, cuda, mps

    /// - Parameter index: Which of the machine's CUDA devices.
    /// - Throws: `CommandError` where this machine has no such device.
    func device(index: Int) throws -> Device {
        let device: Device =
            switch self {
            case .auto: Device.cuda(index).isAvailable ? .cuda(index) : .best
            case .cpu: .cpu
            case .cuda: .cuda(index)
            case .mps: .mps
            }
        guard device.isAvailable else {
            throw CommandError.failure("--device \(rawValue): not available here; use --device cpu or auto")
        }
        return device
    }
}

/// How much the program says, and how.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Show no progress.")
    var quiet = false

    @Flag(help: "Print the results as JSON.")
    var json = false
}

/// What to compute with.
struct ComputeOptions: ParsableArguments {
    @Option(help: "Where to compute: auto, cpu, cuda or mps.")
    var device = DeviceChoice.auto

    @Option(help: ArgumentHelp("Threads on the CPU. (default: libtorch's choice)", valueName: "n"))
    var threads: Int?

    func validate() throws {
        if let threads, threads < 1 { throw ValidationError("--threads must be at least 1, not \(threads)") }
    }

    /// Sets the number of threads and returns the device.
    ///
    /// - Parameters:
    ///   - precision: What is to run; int8 chooses the CPU where the choice is free.
    ///   - index: Which of the machine's CUDA devices.
    func prepare(for precision: Precision = .f32, index: Int = 0) throws -> Device {
        if let threads { try Runtime.setThreads(threads) }
        return try (device == .auto && precision == .int8 ? .cpu : device).device(index: index)
    }
}
