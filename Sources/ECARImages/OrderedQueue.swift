import Foundation

/// Makes numbered values on background threads, a few ahead, and hands them out in order. The condition guards all state.
final class OrderedQueue<Value: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private let count: Int
    private let capacity: Int
    private let make: @Sendable (Int) -> Value
    private var nextToMake = 0
    private var nextToGive = 0
    private var ready: [Int: Value] = [:]
    private var isStopped = false

    /// - Parameters:
    ///   - count: Values in all.
    ///   - capacity: How many may be made before they are asked for.
    init(count: Int, capacity: Int, make: @escaping @Sendable (Int) -> Value) {
        (self.count, self.capacity, self.make) = (count, capacity, make)
    }

    /// What a thread of the queue does until nothing is left to make.
    func work() {
        while let number = claim() {
            let value = make(number)
            condition.withLock {
                ready[number] = value
                condition.broadcast()
            }
        }
    }

    /// Waits for room, then takes the next number; nil at the end.
    private func claim() -> Int? {
        condition.withLock {
            while !isStopped && nextToMake < count && nextToMake >= nextToGive + capacity { condition.wait() }
            guard !isStopped, nextToMake < count else { return nil }
            nextToMake += 1
            return nextToMake - 1
        }
    }

    /// Waits for the next value; nil after the last one, and after `stop()`.
    func next() -> Value? {
        condition.withLock {
            while !isStopped && nextToGive < count && ready[nextToGive] == nil { condition.wait() }
            guard !isStopped, let value = ready.removeValue(forKey: nextToGive) else { return nil }
            nextToGive += 1
            condition.broadcast()
            return value
        }
    }

    func stop() {
        condition.withLock {
            isStopped = true
            condition.broadcast()
        }
    }
}
