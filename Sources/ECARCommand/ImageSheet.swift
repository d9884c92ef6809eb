import ECARImages
import ECARPictures
import Files

/// Several images as one picture, laid out by what they are alone, so that the picture can be made again.
struct ImageSheet {
    let requests: [ImageRequest]
    let shown: StageChoice

    /// - Parameter pictures: Of every image those that are shown.
    func render(_ pictures: [[Image]]) throws(FileError) -> Image {
        let all = pictures.flatMap { $0 }
        let grid =
            switch shown {
            case .every: stages(all)
            case .only: drafts(all)
            case .finished: requests.contains { $0.draft != nil } ? picks(all) : images(all)
            }
        return try grid.render()
    }

    /// The sheet with blank images: a picture too large to exist is found out before any work is done.
    ///
    /// - Parameter sides: Of every stage's picture.
    func blank(sides: [Int], channels: Int) throws(FileError) -> Image {
        let blank = try shown.stages(of: sides.count).map { (stage) throws(FileError) in
            try Image(width: sides[stage], height: sides[stage], channels: channels)
        }
        return try render(requests.map { _ in blank })
    }

    // MARK: Layouts

    /// A row for every image, a column for every stage.
    private func stages(_ pictures: [Image]) -> ImageGrid {
        let labels = pictures.prefix(pictures.count / requests.count).map { "\($0.height)×\($0.width)" }
        return ImageGrid(
            pictures, columns: labels.count, rowLabels: requests.map(Self.name), columnLabels: Array(labels))
    }

    /// A row for every class, where there are several of each.
    private func images(_ pictures: [Image]) -> ImageGrid {
        if let title = commonClass {
            return ImageGrid(pictures, columns: Self.columns(pictures.count), title: title)
        }
        guard let rows = runs(of: \.class), rows[0].count > 1 else {
            return ImageGrid(pictures, columns: Self.columns(pictures.count), labels: requests.map(Self.name))
        }
        return ImageGrid(pictures, columns: rows[0].count, rowLabels: rows.map(\.[0].className))
    }

    /// Numbered thumbnails; rows of their own for every class, where there are equally many of each.
    private func drafts(_ pictures: [Image]) -> ImageGrid {
        var grid = ImageGrid(pictures, columns: Self.columns(pictures.count), enlargement: .smooth)
        if let title = commonClass {
            (grid.title, grid.labels) = (title, requests.map(Self.number))
        } else if let classes = runs(of: \.class), let columns = Self.columnsOfRows(classes[0].count) {
            (grid.columns, grid.labels) = (columns, requests.map(Self.number))
            grid.rowLabels = classes.flatMap { run in
                stride(from: 0, to: run.count, by: columns).map { $0 == 0 ? run[0].className : "" }
            }
        } else {
            grid.labels = requests.map(Self.name)
        }
        return grid
    }

    /// A row for every draft, its variations side by side.
    private func picks(_ pictures: [Image]) -> ImageGrid {
        let label = commonClass == nil ? Self.name : Self.number
        guard let rows = runs(of: \.draft), rows[0].count > 1 else {
            return ImageGrid(
                pictures, columns: Self.columns(pictures.count), title: commonClass, labels: requests.map(label))
        }
        return ImageGrid(
            pictures, title: commonClass, rowLabels: rows.map { label($0[0]) },
            columnLabels: rows[0].map { $0.variation.map { "variation \($0.number)" } ?? "as drafted" })
    }

    // MARK: Names and numbers

    /// The images' class, where they have but one.
    private var commonClass: String? {
        requests.first.flatMap { first in requests.allSatisfy { $0.class == first.class } ? first.className : nil }
    }

    private static func number(_ request: ImageRequest) -> String { request.draft.map { "\($0)" } ?? "" }

    private static func name(_ request: ImageRequest) -> String {
        let variation = request.variation.map { ", variation \($0.number)" } ?? ""
        return [number(request), request.className + variation].filter { !$0.isEmpty }.joined(separator: " ")
    }

    /// Neighbours that have something in common, where there are equally many each time.
    private func runs(of property: (ImageRequest) -> Int?) -> [[ImageRequest]]? {
        var runs: [[ImageRequest]] = []
        for request in requests {
            if let last = runs.last?.first, property(last) == property(request) {
                runs[runs.count - 1].append(request)
            } else {
                runs.append([request])
            }
        }
        return runs.allSatisfy { $0.count == runs[0].count } ? runs : nil
    }

    /// About as many columns as rows, and no gap at the end where that can be.
    private static func columns(_ count: Int) -> Int {
        let root = max(1, Int(Double(count).squareRoot().rounded(.up)))
        return (root...max(root, 2 * root)).first { count.isMultiple(of: $0) } ?? root
    }

    /// As many columns as keep a sheet of whole rows of one kind readable; nil where there are none.
    private static func columnsOfRows(_ count: Int) -> Int? {
        (2...16).last { count.isMultiple(of: $0) && ($0 >= 4 || $0 == count) }
    }
}
