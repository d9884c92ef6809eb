import Files

/// Curves over a common x axis, in one or more panels below each other: losses above, weights below.
public struct LineChart: Sendable {
    public struct Point: Sendable, Equatable {
        public var x: Double
        public var y: Double

        public init(_ x: Double, _ y: Double) {
            self.x = x
            self.y = y
        }
    }

    public struct Series: Sendable {
        public var name: String
        /// In the order of x. A y that is not finite, or not positive on a logarithmic axis, leaves a gap.
        public var points: [Point]
        /// With s > 0, the points are drawn faintly, and over them their running mean with decay s (0 ..< 1).
        public var smoothing: Double

        public init(_ name: String, _ points: [Point], smoothing: Double = 0) {
            self.name = name
            self.points = points
            self.smoothing = smoothing
        }

        /// The running mean in both directions, which does not lag behind the curve; gaps stay.
        package var smoothed: [Point] {
            let forwards = runningSums(points)
            let backwards = runningSums(points.reversed()).reversed()
            return zip(points, zip(forwards, backwards)).map { point, sums in
                let mean = (sums.0.sum + sums.1.sum) / (sums.0.weight + sums.1.weight)
                return Point(point.x, point.y.isFinite ? mean : point.y)
            }
        }

        private func runningSums(_ points: [Point]) -> [(sum: Double, weight: Double)] {
            let decay = min(max(smoothing, 0), 1 - 1e-9)
            var (sum, weight) = (0.0, 0.0)
            return points.map { point in
                if point.y.isFinite { (sum, weight) = (decay * sum + point.y, decay * weight + 1) }
                return (sum, weight)
            }
        }
    }

    public struct Panel: Sendable {
        public var title: String?
        public var yLabel: String
        public var series: [Series]
        public var logY: Bool

        public init(yLabel: String, series: [Series], logY: Bool = false, title: String? = nil) {
            self.title = title
            self.yLabel = yLabel
            self.series = series
            self.logY = logY
        }
    }

    public var title: String
    public var xLabel: String
    /// Whether the x axis is logarithmic; points at 0 or below are then not shown.
    public var logX = false
    public var panels: [Panel]

    public init(title: String, xLabel: String, panels: [Panel]) {
        self.title = title
        self.xLabel = xLabel
        self.panels = panels
    }

    /// A chart of one panel.
    public init(title: String, xLabel: String, yLabel: String, series: [Series], logY: Bool = false) {
        self.init(title: title, xLabel: xLabel, panels: [Panel(yLabel: yLabel, series: series, logY: logY)])
    }

    /// Draws the chart.
    ///
    /// - Parameters:
    ///   - width: of the picture, in pixels.
    ///   - panelHeight: of each panel, in pixels.
    /// - Throws: `FileError` if a size is too small or too large.
    public func render(width: Int = 1200, panelHeight: Int = 420) throws(FileError) -> Image {
        guard width >= 320, (160...Image.maximumSide).contains(panelHeight), (1...64).contains(panels.count) else {
            throw FileError("a chart", "needs a panel and at least 320×160 pixels, not \(width)×\(panelHeight)")
        }
        let header = title.isEmpty ? 16.0 : 52.0
        let footer = 54.0
        let canvas = try Canvas(
            width: width, height: Int(header + footer) + panels.count * panelHeight, background: Palette.paper)
        let finite = panels.flatMap(\.series).flatMap(\.points).lazy.filter { $0.x.isFinite && $0.y.isFinite }.map(\.x)
            .filter { [logX] x in !logX || x > 0 }
        let x = ChartAxis(
            covering: finite.min(), finite.max(), ticks: max(3, width / 130), padding: 0, isLogarithmic: logX)
        let axes = panels.map { $0.verticalAxis(ticks: 6) }
        // One left edge for all panels, so that their x axes align.
        let widest = axes.flatMap(\.ticks).map { canvas.textWidth($0.label, size: ChartPanel.tickSize) }.max() ?? 0
        let left = 46 + widest.rounded(.up)
        for (i, (panel, y)) in zip(panels, axes).enumerated() {
            let top = header + Double(i * panelHeight)
            let area = ChartPanel(
                x: x, y: y, left: left, right: Double(width) - 28, top: top, bottom: top + Double(panelHeight) - 22,
                showsXLabels: i == panels.count - 1)
            area.draw(panel, on: canvas)
        }
        canvas.text(title, x: left, y: 34, size: 20, bold: true, colour: Palette.ink)
        canvas.text(
            xLabel, x: (left + Double(width) - 28) / 2, y: Double(canvas.height) - 22, size: 14,
            colour: Palette.softInk,
            alignment: .centre)
        return try canvas.image()
    }
}

extension LineChart.Panel {
    package func verticalAxis(ticks: Int) -> ChartAxis {
        let values = series.flatMap(\.points).map(\.y).filter { $0.isFinite && (!logY || $0 > 0) }
        return ChartAxis(covering: values.min(), values.max(), ticks: ticks, padding: 0.05, isLogarithmic: logY)
    }
}
