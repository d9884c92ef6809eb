/// What a studio has done and what it is doing, for /metrics and /healthz.
package struct Counts: Sendable {
    // MARK: Now

    package var isShuttingDown = false
    package var jobsWaiting = 0
    package var jobsRunning = 0
    package var imagesWaiting = 0
    /// Images in the batch that is being made.
    package var imagesRunning = 0
    /// Finished jobs whose pictures can be had, and the bytes that these take.
    package var jobsKept = 0
    package var bytesKept = 0

    // MARK: Since the start

    package var jobsDone = 0
    package var jobsFailed = 0
    package var jobsCancelled = 0
    /// Requests turned away because there was no room.
    package var jobsRejected = 0
    /// Images that were made to their end.
    package var images = 0
    package var batches = 0
    /// Images that began in those batches.
    package var batchedImages = 0
    /// Of one step of a batch.
    package var stepSeconds = Histogram(bounds: [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ])

    package init() {}
}

/// How often a value fell where.
package struct Histogram: Sendable, Equatable {
    /// The upper bounds of the buckets, rising; the last bucket has none.
    package let bounds: [Double]
    /// One more than bounds.
    package private(set) var counts: [Int]
    package private(set) var sum = 0.0
    package private(set) var count = 0

    package init(bounds: [Double]) {
        (self.bounds, counts) = (bounds, Array(repeating: 0, count: bounds.count + 1))
    }

    package mutating func add(_ value: Double) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
        count += 1
    }
}
