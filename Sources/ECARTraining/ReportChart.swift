import ECARImages
import Foundation

/// A panel of curves over the steps, as HTML.
///
/// The curves are an SVG that stretches to the page's width while its lines keep theirs; the text beside it is HTML, in
/// the page's own size. So one chart suits every screen without a script.
struct ReportChart {
    enum Size: String { case tall, low }

    /// The most points that a curve is drawn with.
    static let mostPoints = 600
    /// More marked points than these make a curve unclear.
    private static let mostDots = 40
    /// The SVG's own width and height: coordinates are whole numbers.
    private static let extent = 10_000.0
    private static let colours = 7

    private let panel: LineChart.Panel
    private let size: Size
    private let x: ChartAxis
    private let y: ChartAxis
    /// What the strong curves go through, by series.
    private let strong: [[LineChart.Point]]

    /// - Parameters:
    ///   - panel: Its series have a point for each entry of the log.
    ///   - indices: The points that the strong curves go through, and that a reader can point at: ``indices(of:)``.
    init(_ panel: LineChart.Panel, size: Size, indices: [Int]) {
        (self.panel, self.size) = (panel, size)
        let steps = panel.series.first?.points.lazy.map(\.x)
        x = ChartAxis(covering: 0, steps?.max(), ticks: 5, padding: 0)
        y = panel.verticalAxis(ticks: size == .tall ? 6 : 4)
        strong = panel.series.map { series in
            let points = series.smoothing > 0 ? series.smoothed : series.points
            return indices.filter(points.indices.contains).map { points[$0] }
        }
    }

    /// At most ``mostPoints`` of so many indices, evenly spread, the first and the last among them.
    static func indices(of count: Int) -> [Int] {
        guard count > mostPoints else { return Array(0..<count) }
        return (0..<mostPoints).map { $0 * (count - 1) / (mostPoints - 1) }
    }

    /// The style class of a curve's colour.
    static func colour(_ index: Int) -> String { "c\(index % colours + 1)" }

    func html() -> String {
        let title = ReportText.escaped(panel.title ?? panel.yLabel)
        return """
            <figure class="chart \(size.rawValue)">
            <figcaption><h2>\(title)</h2><ul class="legend">\(panel.series.indices.map(legend).joined())</ul></figcaption>
            <div class="area">
            <svg viewBox="0 0 10000 10000" preserveAspectRatio="none" role="img" aria-label="\(title) over the steps">
            <path class="grid" d="\(grid)"/>
            \(panel.series.indices.map(curves).joined(separator: "\n"))
            </svg>
            \(labels)
            </div>
            </figure>

            """
    }

    // MARK: Text

    private func legend(_ index: Int) -> String {
        let name = ReportText.escaped(panel.series[index].name)
        let last = strong[index].last?.y
        return "<li class=\"\(Self.colour(index))\">\(name) <b>\(last.map(ReportText.number) ?? "–")</b></li>"
    }

    private var labels: String {
        let across = shown(x).map { "<span class=\"x\" style=\"left:\(percent($0.position))\">\($0.label)</span>" }
        let up = shown(y).map { "<span class=\"y\" style=\"top:\(percent(1 - $0.position))\">\($0.label)</span>" }
        return (up + across).joined()
    }

    private func shown(_ axis: ChartAxis) -> [(position: Double, label: String)] {
        axis.ticks.compactMap { tick in
            guard let position = axis.position(tick.value), (0...1).contains(position) else { return nil }
            return (position, ReportText.escaped(tick.label))
        }
    }

    private func percent(_ fraction: Double) -> String { String(format: "%.2f%%", fraction * 100) }

    // MARK: Curves

    private var grid: String {
        let end = Int(Self.extent)
        let across = shown(y).map { "M0,\(Int((1 - $0.position) * Self.extent))H\(end)" }
        let up = shown(x).map { "M\(Int($0.position * Self.extent)),0V\(end)" }
        return (across + up).joined()
    }

    /// The measured values faintly, their running mean over them; without smoothing, the values alone.
    private func curves(_ index: Int) -> String {
        let series = panel.series[index]
        let points = strong[index]
        let values = points.map { $0.y.isFinite ? ReportText.number($0.y) : "-" }.joined(separator: " ")
        var result = "<path class=\"\(Self.colour(index))\" data-values=\"\(values)\" d=\"\(path(points))\"/>"
        if series.smoothing > 0 {
            let faint = path(Self.envelope(series.points))
            result = "<path class=\"\(Self.colour(index)) raw\" d=\"\(faint)\"/>\n" + result
        }
        guard series.points.count <= Self.mostDots else { return result }
        let dots = series.points.map { path([$0]) }.joined()
        return result + "\n<path class=\"\(Self.colour(index)) dots\" d=\"\(dots)\"/>"
    }

    /// A curve between its gaps.
    private func path(_ points: [LineChart.Point]) -> String {
        var result = ""
        var isDown = false
        for point in points {
            guard let across = x.position(point.x), let up = y.position(point.y) else {
                isDown = false
                continue
            }
            let place = "\(coordinate(across)),\(coordinate(1 - up))"
            // Without the line of no length, a point between two gaps would not be seen.
            result += isDown ? "L\(place)" : "M\(place)h0"
            isDown = true
        }
        return result
    }

    /// Near the axes whatever the fraction: a value too large for them must not end the program.
    private func coordinate(_ fraction: Double) -> Int {
        Int((min(max(fraction, -1), 2) * Self.extent).rounded())
    }

    /// At most ``mostPoints``: the lowest and the highest of as many equal parts as that allows.
    private static func envelope(_ points: [LineChart.Point]) -> [LineChart.Point] {
        guard points.count > mostPoints else { return points }
        let parts = mostPoints / 2
        return (0..<parts).flatMap { part -> [LineChart.Point] in
            let range = part * points.count / parts..<(part + 1) * points.count / parts
            let known = range.filter { points[$0].y.isFinite }
            guard let lowest = known.min(by: { points[$0].y < points[$1].y }),
                let highest = known.max(by: { points[$0].y < points[$1].y })
            else { return [points[range.lowerBound]] }
            return [points[min(lowest, highest)], points[max(lowest, highest)]]
        }
    }
}
