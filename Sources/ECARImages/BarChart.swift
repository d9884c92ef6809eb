import Files

/// Horizontal bars from zero, each with its name on the left and a note at its end.
public struct BarChart: Sendable {
    public struct Bar: Sendable {
        public var name: String
        public var value: Double
        public var note: String
        /// Bars of one group have one colour.
        public var group: String

        public init(_ name: String, _ value: Double, note: String, group: String) {
            (self.name, self.value, self.note, self.group) = (name, value, note, group)
        }
    }

    public var title: String
    public var subtitle: String
    public var bars: [Bar]

    public init(title: String, subtitle: String = "", bars: [Bar]) {
        (self.title, self.subtitle, self.bars) = (title, subtitle, bars)
    }

    private static let nameSize = 15.0
    private static let noteSize = 13.0
    private static let rowHeight = 40.0
    private static let margin = 28.0

    /// Draws the chart.
    ///
    /// - Parameter width: Of the picture, in pixels; its height follows from the bars.
    /// - Throws: `FileError` if that is too small or too large.
    public func render(width: Int = 1200) throws(FileError) -> Image {
        guard width >= 480, (1...256).contains(bars.count) else {
            throw FileError("a chart", "needs 1 to 256 bars and at least 480 pixels, not \(bars.count) and \(width)")
        }
        let header = 84.0
        let height = header + Double(bars.count) * Self.rowHeight + Self.margin
        let canvas = try Canvas(width: width, height: Int(height), background: Palette.paper)
        let room = Double(width) - 2 * Self.margin
        canvas.text(
            canvas.fitted(title, width: room, size: 20, bold: true), x: Self.margin, y: 38, size: 20, bold: true,
            colour: Palette.ink)
        canvas.text(
            canvas.fitted(subtitle, width: room, size: 13), x: Self.margin, y: 60, size: 13, colour: Palette.softInk)

        let names = bars.map { canvas.fitted($0.name, width: room / 3, size: Self.nameSize) }
        let left = Self.margin + 12 + (names.map { canvas.textWidth($0, size: Self.nameSize) }.max() ?? 0)
        let notes = bars.map { canvas.textWidth($0.note, size: Self.noteSize) }.max() ?? 0
        let longest = max(60, Double(width) - Self.margin - 10 - notes - left)
        let largest = bars.map(\.value).filter(\.isFinite).max() ?? 0
        let groups = bars.reduce(into: [String]()) { if !$0.contains($1.group) { $0.append($1.group) } }
        for (row, bar) in bars.enumerated() {
            let middle = header + (Double(row) + 0.5) * Self.rowHeight
            let share = largest > 0 && bar.value.isFinite ? max(0, bar.value / largest) : 0
            let colour = Palette.series[(groups.firstIndex(of: bar.group) ?? 0) % Palette.series.count]
            canvas.text(
                names[row], x: left - 12, y: middle + 0.36 * Self.nameSize, size: Self.nameSize, colour: Palette.ink,
                alignment: .trailing)
            canvas.rectangle(x: left, y: middle - 12, width: max(1, share * longest), height: 24, colour: colour)
            canvas.text(
                bar.note, x: left + share * longest + 10, y: middle + 0.36 * Self.noteSize, size: Self.noteSize,
                colour: Palette.softInk)
        }
        canvas.line(
            [(left - 0.5, header), (left - 0.5, header + Double(bars.count) * Self.rowHeight)], width: 1,
            colour: Palette.axis)
        return try canvas.image()
    }
}
