/// One panel of a chart: axes, gridlines, legend and curves, in pixels.
struct ChartPanel {
    static let tickSize = 13.0
    private static let legendSize = 14.0

    let x: ChartAxis
    let y: ChartAxis
    let left: Double
    let right: Double
    let top: Double
    let bottom: Double
    let showsXLabels: Bool

    func draw(_ panel: LineChart.Panel, on canvas: Canvas) {
        let plotTop = drawLegend(panel, on: canvas) + 14
        drawAxes(yLabel: panel.yLabel, plotTop: plotTop, on: canvas)
        var isEmpty = true
        for (i, series) in panel.series.enumerated() {
            let colour = Palette.series[i % Palette.series.count]
            let raw = runs(of: series.points, plotTop: plotTop)
            if !raw.isEmpty { isEmpty = false }
            if series.smoothing > 0 {
                for run in raw { canvas.line(run, width: 1.5, colour: colour, opacity: 0.22) }
                for run in runs(of: series.smoothed, plotTop: plotTop) { canvas.line(run, width: 2.5, colour: colour) }
            } else {
                for run in raw { canvas.line(run, width: 2, colour: colour, opacity: 0.92) }
            }
            // A few measurements are shown as such, many as a curve.
            if series.points.count <= 40 {
                for point in raw.joined() { canvas.line([point], width: 8, colour: colour) }
            }
        }
        if isEmpty {
            canvas.text(
                "no data yet", x: (left + right) / 2, y: (plotTop + bottom) / 2, size: Self.legendSize,
                colour: Palette.softInk, alignment: .centre)
        }
    }

    /// - Returns: the y below the legend.
    private func drawLegend(_ panel: LineChart.Panel, on canvas: Canvas) -> Double {
        var line = top + Self.legendSize
        var place = left
        if let title = panel.title {
            canvas.text(title, x: place, y: line, size: Self.legendSize, bold: true, colour: Palette.ink)
            place += canvas.textWidth(title, size: Self.legendSize, bold: true) + 24
        }
        guard panel.series.count > 1 || panel.title == nil else { return line }
        for (i, series) in panel.series.enumerated() {
            let name = canvas.fitted(series.name, width: 240, size: Self.legendSize)
            let width = 26 + canvas.textWidth(name, size: Self.legendSize)
            if place + width > right && place > left {
                place = left
                line += Self.legendSize * 1.6
            }
            canvas.line(
                [(place + 2, line - 5), (place + 18, line - 5)], width: 3,
                colour: Palette.series[i % Palette.series.count])
            canvas.text(name, x: place + 26, y: line, size: Self.legendSize, colour: Palette.ink)
            place += width + 24
        }
        return line
    }

    private func drawAxes(yLabel: String, plotTop: Double, on canvas: Canvas) {
        for tick in y.ticks {
            guard let position = y.position(tick.value), (0...1).contains(position) else { continue }
            let height = crisp(bottom - position * (bottom - plotTop))
            canvas.line([(left, height), (right, height)], width: 1, colour: Palette.gridline)
            canvas.text(
                tick.label, x: left - 10, y: height + 0.36 * Self.tickSize, size: Self.tickSize,
                colour: Palette.softInk, alignment: .trailing)
        }
        for tick in x.ticks {
            guard let position = x.position(tick.value), (0...1).contains(position) else { continue }
            let place = crisp(left + position * (right - left))
            canvas.line([(place, plotTop), (place, bottom)], width: 1, colour: Palette.gridline)
            if showsXLabels {
                canvas.text(
                    tick.label, x: place, y: bottom + 20, size: Self.tickSize, colour: Palette.softInk,
                    alignment: .centre)
            }
        }
        canvas.line([(left, crisp(bottom)), (right, crisp(bottom))], width: 1, colour: Palette.axis)
        canvas.text(
            yLabel, x: 24, y: (plotTop + bottom) / 2, size: Self.legendSize, colour: Palette.softInk,
            alignment: .centre, angle: -.pi / 2)
    }

    /// The middle of a pixel, where a line one pixel wide is sharp.
    private func crisp(_ value: Double) -> Double { value.rounded(.down) + 0.5 }

    /// The curve between its gaps, in pixels.
    ///
    /// More points than pixels are thinned to the first, lowest, highest and last of each column: the same picture.
    private func runs(of points: [LineChart.Point], plotTop: Double) -> [[(x: Double, y: Double)]] {
        var result: [[(x: Double, y: Double)]] = []
        var run: [(x: Double, y: Double)] = []
        for point in points {
            if let across = x.position(point.x), let up = y.position(point.y) {
                run.append((left + across * (right - left), bottom - up * (bottom - plotTop)))
            } else if !run.isEmpty {
                result.append(thinned(run))
                run = []
            }
        }
        if !run.isEmpty { result.append(thinned(run)) }
        return result
    }

    private func thinned(_ run: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
        guard Double(run.count) > 4 * (right - left) else { return run }
        var result: [(x: Double, y: Double)] = []
        var start = 0
        while start < run.count {
            var end = start
            while end < run.count && Int(run[end].x) == Int(run[start].x) { end += 1 }
            let column = start..<end
            let lowest = column.min { run[$0].y < run[$1].y } ?? start
            let highest = column.max { run[$0].y < run[$1].y } ?? start
            for i in Set([start, lowest, highest, end - 1]).sorted() { result.append(run[i]) }
            start = end
        }
        return result
    }
}
