import Foundation
import Torch

/// One process, or several that torchrun or another launcher has started.
enum ManyProcesses {
    /// Runs the same work in each process; errors then say whose they are.
    ///
    /// - Parameters:
    ///   - timeout: How long to wait for a process that does not answer, in seconds.
    ///   - body: Takes the group, nil where there is one process alone, and this process's device.
    static func run(
        _ compute: ComputeOptions, timeout: Double, _ body: (ProcessGroup?, Device) throws -> Void
    ) throws {
        let environment = try ProcessGroup.Environment.read(ProcessInfo.processInfo.environment)
        guard let environment else { return try body(nil, compute.prepare()) }
        do {
            let device = try compute.prepare(index: environment.localRank)
            let group = try ProcessGroup(environment, device: device, timeout: timeout)
            try body(group, device)
        } catch let error as CommandError {
            throw error.of(rank: environment.rank)
        } catch {
            throw CommandError.failure("\(error)").of(rank: environment.rank)
        }
    }
}
