import Files
import Foundation

/// Makes training batches on background threads, a few steps ahead.
///
/// Any number of threads, and any first step, give the same batches.
public final class BatchLoader<Batch: Sendable>: Sendable {
    public let stepsPerEpoch: Int
    private let queue: BatchQueue<Batch>

    /// Starts loading.
    ///
    /// - Parameter make: Makes the batch of a step from its items; called on several threads at once.
    /// - Throws: `FileError` for a value out of range.
    public init(
        _ plan: BatchPlan, firstStep: Int = 0, threads: Int = 2,
        make: @escaping @Sendable (_ step: Int, _ items: [BatchPlan.Item]) throws -> Batch
    ) throws(FileError) {
        guard firstStep >= 0, threads >= 1 else {
            throw FileError(
                "the batch loader",
                "needs a first step and a number of threads in range, not \(firstStep) and \(threads)")
        }
        stepsPerEpoch = plan.stepsPerEpoch
        queue = BatchQueue(firstStep: firstStep, capacity: threads + 2)
        for _ in 0..<threads {
            let thread = Thread { [queue] in queue.work(plan, make) }
            thread.name = "batch loader"
            thread.start()
        }
    }

    deinit { queue.stop() }

    /// Waits for the next step's batch.
    ///
    /// - Throws: What making it threw, and from then on; `FileError` after `stop()`.
    public func next() throws -> Batch { try queue.next() }

    /// Ends the threads. The loader does so itself when it is released.
    public func stop() { queue.stop() }
}

/// Hands steps out to threads and their batches back in order. All state is guarded by the condition.
private final class BatchQueue<Batch: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private let capacity: Int
    private var nextToMake: Int
    private var nextToGive: Int
    private var ready: [Int: Result<Batch, any Error>] = [:]
    private var orders: [Int: [Int]] = [:]
    private var isStopped = false

    init(firstStep: Int, capacity: Int) {
        self.capacity = capacity
        nextToMake = firstStep
        nextToGive = firstStep
    }

    func work(_ plan: BatchPlan, _ make: (Int, [BatchPlan.Item]) throws -> Batch) {
        while let (step, order) = claim(plan) {
            let result = Result { try make(step, plan.items(step: step, order: order)) }
            condition.withLock {
                ready[step] = result
                condition.broadcast()
            }
        }
    }

    /// Waits for room, then takes the next step; nil when stopped.
    private func claim(_ plan: BatchPlan) -> (step: Int, order: [Int])? {
        condition.withLock {
            while !isStopped && nextToMake >= nextToGive + capacity { condition.wait() }
            if isStopped { return nil }
            let step = nextToMake
            nextToMake += 1
            let epoch = plan.epoch(of: step)
            let order = orders[epoch] ?? plan.order(epoch: epoch)
            orders = orders.filter { $0.key >= epoch - 1 }
            orders[epoch] = order
            return (step, order)
        }
    }

    func next() throws -> Batch {
        let result = condition.withLock {
            while !isStopped && ready[nextToGive] == nil { condition.wait() }
            let result = ready[nextToGive]
            // A failed step stays, so that the error comes again instead of a wait without end.
            if case .success? = result {
                ready[nextToGive] = nil
                nextToGive += 1
                condition.broadcast()
            }
            return result
        }
        guard let result else { throw FileError("the batch loader", "has been stopped") }
        return try result.get()
    }

    func stop() {
        condition.withLock {
            isStopped = true
            condition.broadcast()
        }
    }
}
