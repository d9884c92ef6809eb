/// A few measurements of one thing.
public struct Spread: Sendable, Equatable {
    public let median: Double
    public let lowest: Double
    public let highest: Double

    /// - Returns: Nil where there is none. Of an even number, the median is the mean of the middle two.
    public init?(_ values: [Double]) {
        let sorted = values.sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        let middle = sorted.count / 2
        median = sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
        (lowest, highest) = (first, last)
    }
}
