import Foundation

/// A scale with round ticks.
package struct ChartAxis {
    package struct Tick {
        package let value: Double
        package let label: String
    }

    let isLogarithmic: Bool
    package private(set) var ticks: [Tick] = []
    /// The ends of the axis; on a logarithmic one, powers of ten.
    private let low: Double
    private let high: Double

    /// - Parameters:
    ///   - minimum: the smallest value; nil if there are none.
    ///   - ticks: about how many.
    ///   - padding: free room at both ends, as a fraction.
    package init(
        covering minimum: Double?, _ maximum: Double?, ticks: Int, padding: Double, isLogarithmic: Bool = false
    ) {
        self.isLogarithmic = isLogarithmic
        // Values close to the ends of Double have no finite span.
        let range = isLogarithmic ? 1e-300...1e300 : -1e300...1e300
        var low = min(max(minimum ?? (isLogarithmic ? 0.1 : 0), range.lowerBound), range.upperBound)
        var high = min(max(maximum ?? 1, low), range.upperBound)
        if isLogarithmic {
            low = log10(low)
            high = log10(high)
        }
        if high - low <= max(abs(low), abs(high), 1e-250) * 1e-9 {
            let room = isLogarithmic ? 0.5 : max(abs(low) * 0.5, 0.5)
            low -= room
            high += room
        }
        let room = (high - low) * padding
        self.low = low - room
        self.high = high + room
        self.ticks = isLogarithmic ? logarithmicTicks(ticks) : Self.linearTicks(self.low, self.high, ticks)
    }

    /// Where a value lies: 0 at the low end, 1 at the high end. Nil if it cannot be shown.
    package func position(_ value: Double) -> Double? {
        guard value.isFinite, !isLogarithmic || value > 0 else { return nil }
        return ((isLogarithmic ? log10(value) : value) - low) / (high - low)
    }

    private func logarithmicTicks(_ count: Int) -> [Tick] {
        let decades = high - low
        if decades < 0.7 { return Self.linearTicks(pow(10, low), pow(10, high), count).filter { $0.value > 0 } }
        let digits: [Double] = decades < 1.5 ? [1, 2, 3, 5, 7] : decades < 2.5 ? [1, 2, 5] : [1]
        let stride = max(1, Int((decades / Double(count + 2)).rounded(.up)))
        var result: [Tick] = []
        for decade in Int(low.rounded(.down))...Int(high.rounded(.up)) where decade % stride == 0 {
            for digit in digits {
                let value = digit * pow(10, Double(decade))
                if (low...high).contains(log10(value)) { result.append(Tick(value: value, label: Self.label(value))) }
            }
        }
        return result
    }

    private static func linearTicks(_ low: Double, _ high: Double, _ count: Int) -> [Tick] {
        let raw = (high - low) / Double(count)
        let magnitude = pow(10, log10(raw).rounded(.down))
        let step = magnitude * ([1, 2, 5].first { $0 * magnitude >= raw * 0.999 } ?? 10)
        let first = Int((low / step - 1e-9).rounded(.up))
        let last = Int((high / step + 1e-9).rounded(.down))
        guard first <= last, last - first < 100 else { return [] }
        let largest = max(abs(Double(first)), abs(Double(last))) * step
        return (first...last).map { i in
            Tick(value: Double(i) * step, label: label(Double(i) * step, step: step, largest: largest))
        }
    }

    /// "0.05", "1", "20k", "3M", "1e-06"
    ///
    /// - Parameters:
    ///   - step: between ticks; nil for a tick on its own.
    ///   - largest: of all ticks, which share a unit.
    private static func label(_ value: Double, step: Double? = nil, largest: Double? = nil) -> String {
        let largest = largest ?? abs(value)
        let spacing = step ?? abs(value)
        if value == 0 { return "0" }
        if largest >= 1e9 || spacing < 1e-4 { return String(format: "%.3g", value) }
        if spacing >= 1e5 && largest >= 1e6 { return trimmed(value / 1e6, decimals: 2) + "M" }
        if spacing >= 100 && largest >= 1e4 { return trimmed(value / 1e3, decimals: 2) + "k" }
        return trimmed(value, decimals: max(0, Int((-log10(spacing)).rounded(.up)) + (step == nil ? 1 : 0)))
    }

    private static func trimmed(_ value: Double, decimals: Int) -> String {
        var text = String(format: "%.\(decimals)f", value)
        if text.contains(".") {
            while text.hasSuffix("0") { text.removeLast() }
            if text.hasSuffix(".") { text.removeLast() }
        }
        return text
    }
}
