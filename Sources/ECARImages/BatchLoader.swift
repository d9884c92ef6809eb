import Files
import Synchronization

/// Makes training batches on background threads, a few steps ahead.
///
/// Any number of threads, and any first step, give the same batches.
public final class BatchLoader<Batch: Sendable>: Sendable {
    private let queue: OrderedQueue<Result<Batch, any Error>>
    private let failure = Mutex<(any Error)?>(nil)

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
        let orders = EpochOrders(plan)
        queue = OrderedQueue(firstStep..<Int.max, capacity: threads + 2) { step in
            Result { try make(step, plan.items(step: step, order: orders.order(of: step))) }
        }
        queue.start(threads: threads, name: "batch loader")
    }

    deinit { queue.stop() }

    /// Waits for the next step's batch.
    ///
    /// - Throws: What making it threw, and from then on; `FileError` after `stop()`.
    public func next() throws -> Batch {
        if let failure = failure.withLock({ $0 }) { throw failure }
        guard let result = queue.next() else { throw FileError("the batch loader", "has been stopped") }
        do {
            return try result.get()
        } catch {
            failure.withLock { $0 = error }
            throw error
        }
    }

    /// Ends the threads. The loader does so itself when it is released.
    public func stop() { queue.stop() }
}

/// The orders of the epochs that are being loaded, each computed once.
private final class EpochOrders: Sendable {
    private let plan: BatchPlan
    private let orders = Mutex<[Int: [Int]]>([:])

    init(_ plan: BatchPlan) {
        self.plan = plan
    }

    func order(of step: Int) -> [Int] {
        let epoch = plan.epoch(of: step)
        return orders.withLock { orders in
            let order = orders[epoch] ?? plan.order(epoch: epoch)
            orders = orders.filter { $0.key >= epoch - 1 }
            orders[epoch] = order
            return order
        }
    }
}
