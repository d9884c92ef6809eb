import Foundation

/// Makes numbered values on background threads, a few ahead, and hands them out in order. The condition guards all state.
package final class OrderedQueue<Value: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private let end: Int
    private let capacity: Int
    private let make: @Sendable (Int) -> Value
    private var nextToMake: Int
    private var nextToGive: Int
    private var ready: [Int: Value] = [:]
    private var isStopped = false

    /// - Parameters:
    ///   - numbers: Of the values to make.
    ///   - capacity: How many may be made before they are asked for.
    package init(_ numbers: Range<Int>, capacity: Int, make: @escaping @Sendable (Int) -> Value) {
        (nextToMake, nextToGive, end) = (numbers.lowerBound, numbers.lowerBound, numbers.upperBound)
        (self.capacity, self.make) = (capacity, make)
    }

    /// Starts threads that make values until nothing is left to make, or until `stop()`.
    package func start(threads: Int, name: String) {
        for _ in 0..<threads {
            let thread = Thread { [self] in work() }
            thread.name = name
            thread.start()
        }
    }

    private func work() {
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
            while !isStopped && nextToMake < end && nextToMake >= nextToGive + capacity { condition.wait() }
            guard !isStopped, nextToMake < end else { return nil }
            nextToMake += 1
            return nextToMake - 1
        }
    }

    /// Waits for the next value; nil after the last one, and after `stop()`.
    package func next() -> Value? {
        condition.withLock {
            while !isStopped && nextToGive < end && ready[nextToGive] == nil { condition.wait() }
            guard !isStopped, let value = ready.removeValue(forKey: nextToGive) else { return nil }
            nextToGive += 1
            condition.broadcast()
            return value
        }
    }

    package func stop() {
        condition.withLock {
            isStopped = true
            condition.broadcast()
        }
    }
}
