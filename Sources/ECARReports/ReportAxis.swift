import ECARImages

/// The x axis that all charts of a page have: who points at one of them sees the values in all.
package struct ReportAxis {
    /// More points than these are neither drawn nor pointed at.
    static let mostPoints = 600
    /// Values further apart than this ratio make a linear axis crowded at its low end.
    private static let widestLinear = 8.0

    /// What the values are, such as "step".
    let name: String
    /// The points of a curve that can be pointed at, the first and the last among them.
    let indices: [Int]
    let ticks: [(position: Double, label: String)]
    /// Whether the last value is the newest, which curves are at.
    let isTime: Bool
    private let values: [Double]
    private let scale: ChartAxis

    /// An axis of what goes on: from 0, with round ticks, for any number of ascending values.
    package static func fromZero(_ name: String, _ values: [Double]) -> ReportAxis {
        let scale = ChartAxis(covering: 0, values.max(), ticks: 5, padding: 0)
        let ticks = scale.ticks.compactMap { tick in
            scale.position(tick.value).map { (position: $0, label: tick.label) }
        }
        return ReportAxis(name, values, scale, ticks, isTime: true)
    }

    /// An axis with a tick at each of a few ascending values; logarithmic where they are far apart.
    package static func through(_ name: String, _ values: [Double]) -> ReportAxis {
        let isWide = (values.first ?? 0) > 0 && (values.last ?? 0) > Self.widestLinear * (values.first ?? 0)
        let scale = ChartAxis(covering: values.min(), values.max(), ticks: 5, padding: 0.04, isLogarithmic: isWide)
        var ticks: [(position: Double, label: String)] = []
        for value in values {
            let label = ReportText.setting(value)
            guard let position = scale.position(value),
                ticks.last.map({ position - $0.position > room(for: $0.label, label) }) ?? true
            else { continue }
            ticks.append((position, label))
        }
        return ReportAxis(name, values, scale, ticks, isTime: false)
    }

    /// How far two labels must be apart so that they do not touch, as a fraction of a narrow chart's axis.
    private static func room(for left: String, _ right: String) -> Double {
        0.03 + 0.015 * Double(left.count + right.count)
    }

    private init(
        _ name: String, _ values: [Double], _ scale: ChartAxis, _ ticks: [(position: Double, label: String)],
        isTime: Bool
    ) {
        (self.name, self.values, self.scale, self.isTime) = (name, values, scale, isTime)
        self.ticks = ticks.filter { (0...1).contains($0.position) }
        let (count, most) = (values.count, Self.mostPoints)
        indices = count > most ? (0..<most).map { $0 * (count - 1) / (most - 1) } : Array(0..<count)
    }

    /// What the page's script reads; for one element of the page.
    package var attributes: String {
        let numbers = indices.map { ReportText.literal(values[$0]) }.joined(separator: " ")
        return "data-axis=\"\(ReportText.escaped(name))\" data-x=\"\(numbers)\""
    }

    /// Where a value lies: 0 at the left end, 1 at the right end.
    func position(_ value: Double) -> Double? { scale.position(value) }
}
