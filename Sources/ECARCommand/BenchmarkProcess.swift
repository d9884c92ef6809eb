import ECARBenchmark
import Foundation

/// A process that measures one case; gone with this object.
final class BenchmarkProcess {
    private let what: BenchmarkCase
    private let process = Process()
    private let orders = Pipe()
    private let answers = Pipe()
    private var unread = Data()

    /// How often a wait looks whether the user wants to stop.
    private static let patience: Int32 = 100  // milliseconds

    /// Starts the process; nothing is measured yet.
    init(_ what: BenchmarkCase, compute: ComputeOptions) throws {
        self.what = what
        guard let program = Bundle.main.executableURL else {
            throw CommandError.failure("the program does not know where it is, so it cannot start itself again")
        }
        process.executableURL = program
        let threads = compute.threads.map { ["--threads", "\($0)"] } ?? []
        process.arguments = [BenchmarkWorker.name, "--device", compute.device.rawValue] + threads
        process.standardInput = orders
        process.standardOutput = answers
        do {
            try process.run()
        } catch {
            throw CommandError.failure("\(what.name): no process can be started for it: \(error)")
        }
        // The ends that the process has now; its answers would otherwise never end.
        try? orders.fileHandleForReading.close()
        try? answers.fileHandleForWriting.close()
    }

    deinit {
        try? orders.fileHandleForWriting.close()
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    /// Builds the model; returns the seconds that took, the process's start included, and the most memory.
    func prepare() throws -> (seconds: Double, memory: Int?) {
        let clock = ContinuousClock()
        let start = clock.now
        try send(.prepare(what))
        guard case .prepared(let memory) = try answer() else { throw unexpected }
        return ((clock.now - start) / .seconds(1), memory)
    }

    /// Makes the batch once.
    ///
    /// - Parameter progress: Takes the share that is done.
    func run(progress: (Double) -> Void) throws -> (run: BenchmarkRun, memory: Int?) {
        try send(.run)
        while true {
            switch try answer() {
            case .progress(let share): progress(share)
            case .ran(let run, let memory): return (run, memory)
            case .prepared, .failed: throw unexpected
            }
        }
    }

    private var unexpected: CommandError { .failure("\(what.name): its process gave an answer to another question") }

    // MARK: Lines

    private func send(_ order: BenchmarkOrder) throws {
        do {
            try orders.fileHandleForWriting.write(contentsOf: JSONEncoder().encode(order) + Data("\n".utf8))
        } catch {
            throw ended()
        }
    }

    /// Waits for the next answer; stops when the user wants to.
    private func answer() throws -> BenchmarkAnswer {
        let answer = try JSONDecoder().decode(BenchmarkAnswer.self, from: line())
        if case .failed(let message) = answer { throw CommandError.failure("\(what.name): \(message)") }
        return answer
    }

    private func line() throws -> Data {
        let handle = answers.fileHandleForReading
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = unread[..<end]
                unread = Data(unread[(end + 1)...])
                return Data(line)
            }
            try Interrupt.check()
            var wanted = pollfd(fd: handle.fileDescriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&wanted, 1, Self.patience) > 0 else { continue }
            let bytes = handle.availableData
            guard !bytes.isEmpty else { throw ended() }
            unread += bytes
        }
    }

    private func ended() -> CommandError {
        process.waitUntilExit()
        let status = process.terminationStatus
        return process.terminationReason == .uncaughtSignal
            ? .failure("\(what.name): its process was ended by signal \(status); perhaps there is not enough memory")
            : .failure("\(what.name): its process ended with status \(status)")
    }
}
