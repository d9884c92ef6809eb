import ECARImages
import ECARPictures
import Files

/// Several images as one picture, laid out by what they are alone, so that the picture can be made again.
struct ImageSheet {
    let requests: [ImageRequest]
    /// Whether every stage has a column.
    let showsStages: Bool

    func render(_ images: [MadeImage]) throws(FileError) -> Image {
        if showsStages {
            let labels = (images.first?.stages ?? []).map { "\($0.height)×\($0.width)" }
            return try ImageGrid(
                images.flatMap(\.stages), columns: labels.count, rowLabels: requests.map(\.className),
                columnLabels: labels
            ).render()
        }
        let pictures = images.map(\.image)
        let runs = classRuns
        guard runs.count > 1 else {
            return try ImageGrid(
                pictures, columns: Self.columns(pictures.count), title: requests.first?.className
            ).render()
        }
        let longest = runs.map(\.count).max() ?? 1
        guard longest > 1, runs.allSatisfy({ $0.count == longest }) else {
            return try ImageGrid(
                pictures, columns: Self.columns(pictures.count), labels: requests.map(\.className)
            ).render()
        }
        return try ImageGrid(pictures, columns: longest, rowLabels: runs.map(\.className)).render()
    }

    /// The sheet with blank images: a picture too large to exist is found out before any work is done.
    func blank(sides: [Int], channels: Int) throws(FileError) -> Image {
        let blank = try sides.map { (side) throws(FileError) in
            try Image(width: side, height: side, channels: channels)
        }
        return try render(requests.map { MadeImage(request: $0, stages: blank) })
    }

    /// Neighbours of one class.
    private var classRuns: [(className: String, count: Int)] {
        var runs: [(className: String, count: Int)] = []
        var last: Int?
        for request in requests {
            if request.class == last { runs[runs.count - 1].count += 1 } else { runs.append((request.className, 1)) }
            last = request.class
        }
        return runs
    }

    /// About as many columns as rows, and no gap at the end where that can be.
    private static func columns(_ count: Int) -> Int {
        let root = max(1, Int(Double(count).squareRoot().rounded(.up)))
        return (root...max(root, 2 * root)).first { count.isMultiple(of: $0) } ?? root
    }
}
