import Files

/// Pictures side by side, with optional text: a title, a label under each picture, one for each row and column.
///
/// A picture smaller than its cell is magnified a whole number of times, so that 8×8, 16×16 and 32×32 stages compare.
public struct ImageGrid: Sendable {
    /// How a picture is magnified.
    public enum Enlargement: Sendable {
        /// Every pixel stays visible.
        case pixels
        /// Pixels run into each other, which shows what a few of them are of.
        case smooth
    }

    /// In reading order; sizes and channels may differ.
    public var images: [Image]
    /// Without it, as many as there are column labels, else about square.
    public var columns: Int?
    public var title: String?
    /// Under each picture; may be fewer than the pictures.
    public var labels: [String]
    /// Left of each row.
    public var rowLabels: [String]
    /// Above each column.
    public var columnLabels: [String]
    /// How often each pixel of the largest picture is repeated; without it, so that its side is at least 96 pixels.
    public var magnification: Int?
    /// Without it, smooth unless one of the pictures is so small, at most 32 pixels, that its pixels are what there is to see.
    public var enlargement: Enlargement?

    public init(
        _ images: [Image], columns: Int? = nil, title: String? = nil, labels: [String] = [], rowLabels: [String] = [],
        columnLabels: [String] = [], magnification: Int? = nil, enlargement: Enlargement? = nil
    ) {
        self.images = images
        self.columns = columns
        self.title = title
        self.labels = labels
        self.rowLabels = rowLabels
        self.columnLabels = columnLabels
        self.magnification = magnification
        self.enlargement = enlargement
    }

    /// Draws the grid, in colour.
    ///
    /// - Throws: `FileError` if there are no pictures, or the grid would be larger than a picture may be.
    public func render() throws(FileError) -> Image {
        let layout = try GridLayout(self)
        let canvas = try Canvas(width: layout.width, height: layout.height, background: Palette.paper)
        drawText(on: canvas, layout)
        var pixels = try canvas.image().pixels
        let enlargement = enlargement ?? (images.contains { max($0.width, $0.height) <= 32 } ? .pixels : .smooth)
        for (i, image) in images.enumerated() {
            let factor = max(1, min(layout.cellWidth / image.width, layout.cellHeight / image.height))
            let picture = try magnified(image.converted(channels: 3), factor, enlargement)
            let left = layout.left(of: i % layout.columns) + (layout.cellWidth - picture.width) / 2
            let top = layout.top(of: i / layout.columns) + (layout.cellHeight - picture.height) / 2
            let row = picture.width * 3
            for y in 0..<picture.height {
                let to = ((top + y) * layout.width + left) * 3
                pixels.replaceSubrange(to..<to + row, with: picture.pixels[y * row..<(y + 1) * row])
            }
        }
        return Image(unchecked: pixels, width: layout.width, height: layout.height, channels: 3)
    }

    private func magnified(_ image: Image, _ factor: Int, _ enlargement: Enlargement) throws(FileError) -> Image {
        switch enlargement {
        case .pixels: try image.magnified(factor)
        case .smooth: try image.resized(width: factor * image.width, height: factor * image.height)
        }
    }

    private func drawText(on canvas: Canvas, _ layout: GridLayout) {
        let size = layout.fontSize
        if let title {
            let text = canvas.fitted(
                title, width: Double(layout.width - 2 * layout.margin), size: layout.titleSize, bold: true)
            canvas.text(
                text, x: Double(layout.margin), y: Double(layout.margin) + layout.titleSize, size: layout.titleSize,
                bold: true, colour: Palette.ink)
        }
        for (column, label) in columnLabels.prefix(layout.columns).enumerated() {
            let text = canvas.fitted(label, width: Double(layout.cellWidth), size: size)
            canvas.text(
                text, x: Double(layout.left(of: column)) + Double(layout.cellWidth) / 2,
                y: Double(layout.top(of: 0)) - 0.55 * size, size: size, colour: Palette.ink, alignment: .centre)
        }
        for (row, label) in rowLabels.prefix(layout.rows).enumerated() {
            let text = canvas.fitted(label, width: Double(layout.rowLabelWidth), size: size)
            canvas.text(
                text, x: Double(layout.left(of: 0)) - 0.7 * size,
                y: Double(layout.top(of: row)) + Double(layout.cellHeight) / 2 + 0.35 * size, size: size,
                colour: Palette.ink, alignment: .trailing)
        }
        for (i, label) in labels.prefix(images.count).enumerated() {
            let text = canvas.fitted(label, width: Double(layout.cellWidth), size: size)
            canvas.text(
                text, x: Double(layout.left(of: i % layout.columns)) + Double(layout.cellWidth) / 2,
                y: Double(layout.top(of: i / layout.columns) + layout.cellHeight) + 1.25 * size, size: size,
                colour: Palette.ink, alignment: .centre)
        }
    }
}

/// Where everything of a grid lies, in pixels.
private struct GridLayout {
    let columns: Int
    let rows: Int
    let cellWidth: Int
    let cellHeight: Int
    let margin = 16
    let gap = 8
    let fontSize: Double
    let titleSize: Double
    private(set) var rowLabelWidth = 0
    private let labelHeight: Int
    private let header: Int

    private static let smallestSide = 96
    private static let widestRowLabel = 320

    init(_ grid: ImageGrid) throws(FileError) {
        guard let widest = grid.images.map(\.width).max(), let highest = grid.images.map(\.height).max() else {
            throw FileError("an image grid", "needs at least one image")
        }
        let count = grid.images.count
        let square = Int(Double(count).squareRoot().rounded(.up))
        let perRow = grid.rowLabels.isEmpty ? square : (count + grid.rowLabels.count - 1) / grid.rowLabels.count
        columns = max(1, min(grid.columns ?? (grid.columnLabels.isEmpty ? perRow : grid.columnLabels.count), count))
        rows = (count + columns - 1) / columns
        let side = max(widest, highest)
        // A large set is magnified less: it must stay a picture that can be opened.
        let room = max(1, 8192 / (side * max(columns, rows)))
        let automatic = min((Self.smallestSide + side - 1) / side, room)
        let factor = grid.magnification ?? automatic
        guard (1...256).contains(factor) else {
            throw FileError("an image grid", "cannot magnify \(factor) times", remedy: "Use 1 to 256")
        }
        cellWidth = widest * factor
        cellHeight = highest * factor
        fontSize = min(max(Double(cellWidth) * 0.13, 12), 18)
        titleSize = fontSize * 1.3
        labelHeight = grid.labels.isEmpty ? 0 : Int(1.7 * fontSize)
        header = (grid.title == nil ? 0 : Int(2 * titleSize)) + (grid.columnLabels.isEmpty ? 0 : Int(1.7 * fontSize))
        if !grid.rowLabels.isEmpty {
            let ruler = try Canvas(width: 1, height: 1, background: Palette.paper)
            let width = grid.rowLabels.map { ruler.textWidth($0, size: fontSize) }.max() ?? 0
            rowLabelWidth = min(Int(width.rounded(.up)), Self.widestRowLabel)
        }
    }

    func left(of column: Int) -> Int {
        let labels = rowLabelWidth == 0 ? 0 : rowLabelWidth + Int(0.7 * fontSize)
        return margin + labels + column * (cellWidth + gap)
    }

    func top(of row: Int) -> Int { margin + header + row * (cellHeight + labelHeight + gap) }

    var width: Int { left(of: columns) - gap + margin }
    var height: Int { top(of: rows) - gap + margin }
}
