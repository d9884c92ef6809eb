import ECARImages
import Foundation

/// A panel of curves, as HTML.
///
/// The curves are an SVG that stretches to the page's width while its lines keep theirs; the text beside it is HTML, in
/// the page's own size. So one chart suits every screen without a script.
package struct ReportChart {
    package enum Size: String { case tall, middle, low }

    /// More marked points than these make a curve unclear.
    private static let mostDots = 40
    /// The SVG's own width and height: coordinates are whole numbers.
    private static let extent = 10_000.0
    private static let colours = 7

    private let panel: LineChart.Panel
    private let size: Size
    private let axis: ReportAxis
    private let y: ChartAxis
    /// What the strong curves go through, by series.
    private let strong: [[LineChart.Point]]
    private let errors: [[Double]]

    /// - Parameters:
    ///   - panel: Its series have a point for each of the axis's values.
    ///   - errors: How far a value may be off, by series and point: drawn as a line up and down. Fewer, or not finite,
    ///     where not known.
    package init(_ panel: LineChart.Panel, size: Size, axis: ReportAxis, errors: [[Double]] = []) {
        (self.panel, self.size, self.axis, self.errors) = (panel, size, axis, errors)
        var range = panel
        for (series, errors) in zip(panel.series, errors) {
            range.series.append(LineChart.Series("", zip(series.points, errors).flatMap(Self.ends)))
        }
        y = range.verticalAxis(ticks: size == .low ? 4 : 6)
        strong = panel.series.map { series in
            let points = series.smoothing > 0 ? series.smoothed : series.points
            return axis.indices.filter(points.indices.contains).map { points[$0] }
        }
    }

    private static func ends(_ point: LineChart.Point, _ error: Double) -> [LineChart.Point] {
        [LineChart.Point(point.x, point.y - error), LineChart.Point(point.x, point.y + error)]
    }

    /// The style class of a curve's colour.
    package static func colour(_ index: Int) -> String { "c\(index % colours + 1)" }

    package func html() -> String {
        let title = ReportText.escaped(panel.title ?? panel.yLabel)
        return """
            <figure class="chart \(size.rawValue)">
            <figcaption><h2>\(title)</h2><ul class="legend">\(panel.series.indices.map(legend).joined())</ul></figcaption>
            <div class="area">
            <svg viewBox="0 0 10000 10000" preserveAspectRatio="none" role="img" aria-label="\(title) by \(ReportText.escaped(axis.name))">
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
        let last = axis.isTime ? strong[index].last.map { ReportText.number($0.y) } ?? "–" : ""
        return "<li class=\"\(Self.colour(index))\">\(name) <b>\(last)</b></li>"
    }

    private var labels: String {
        let across = axis.ticks.map {
            "<span class=\"x\" style=\"left:\(percent($0.position))\">\(ReportText.escaped($0.label))</span>"
        }
        let up = rows.map {
            "<span class=\"y\" style=\"top:\(percent(1 - $0.position))\">\(ReportText.escaped($0.label))</span>"
        }
        return (up + across).joined()
    }

    /// The ticks of the y axis.
    private var rows: [(position: Double, label: String)] {
        y.ticks.compactMap { tick in
            guard let position = y.position(tick.value), (0...1).contains(position) else { return nil }
            return (position, tick.label)
        }
    }

    private func percent(_ fraction: Double) -> String { String(format: "%.2f%%", fraction * 100) }

    // MARK: Curves

    private var grid: String {
        let end = Int(Self.extent)
        let across = rows.map { "M0,\(Int((1 - $0.position) * Self.extent))H\(end)" }
        let up = axis.ticks.map { "M\(Int($0.position * Self.extent)),0V\(end)" }
        return (across + up).joined()
    }

    /// The measured values faintly, their running mean over them; without smoothing, the values alone.
    private func curves(_ index: Int) -> String {
        let series = panel.series[index]
        let points = strong[index]
        let values = points.map { y.position($0.y) == nil ? "-" : ReportText.number($0.y) }.joined(separator: " ")
        var result = "<path class=\"\(Self.colour(index))\" data-values=\"\(values)\" d=\"\(path(points))\"/>"
        if series.smoothing > 0 {
            let faint = path(Self.envelope(series.points))
            result = "<path class=\"\(Self.colour(index)) raw\" d=\"\(faint)\"/>\n" + result
        }
        if index < errors.count {
            let bars = zip(series.points, errors[index]).map { path(Self.ends($0, $1)) }.joined()
            result += "\n<path class=\"\(Self.colour(index)) error\" d=\"\(bars)\"/>"
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
            guard let across = axis.position(point.x), let up = y.position(point.y) else {
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

    /// At most ``ReportAxis/mostPoints``: the lowest and the highest of as many equal parts as that allows.
    private static func envelope(_ points: [LineChart.Point]) -> [LineChart.Point] {
        guard points.count > ReportAxis.mostPoints else { return points }
        let parts = ReportAxis.mostPoints / 2
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
