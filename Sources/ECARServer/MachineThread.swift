import Foundation

/// A thread that actors run on which compute: libtorch blocks, which the threads that Swift's tasks share must not, and keeps
/// its helpers by the thread that calls it.
final class MachineThread: SerialExecutor, @unchecked Sendable {
    // The condition guards the rest.
    private let condition = NSCondition()
    private var jobs: [UnownedJob] = []
    private var isStopped = false

    init(name: String) {
        let thread = Thread { [self] in run() }
        thread.name = name
        thread.stackSize = 8 << 20  // as the main thread's; macOS gives others 512 KiB
        thread.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        condition.withLock {
            jobs.append(job)
            condition.signal()
        }
    }

    /// Ends the thread when it has done all that it was given. Its actors must not be used any more.
    func stop() {
        condition.withLock {
            isStopped = true
            condition.signal()
        }
    }

    private func run() {
        while let jobs = wait() {
            for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
        }
    }

    /// What there is to do now; nil at the end.
    private func wait() -> [UnownedJob]? {
        condition.withLock {
            while jobs.isEmpty && !isStopped { condition.wait() }
            defer { jobs = [] }
            return jobs.isEmpty ? nil : jobs
        }
    }
}
