import ECARImages
import Files

/// Pictures to be judged, and their classes where these are known.
public protocol PictureSource {
    /// Where they come from, as errors and reports show it.
    var name: String { get }
    var count: Int { get }
    /// One name for each label; nil where there are no labels.
    var classNames: [String]? { get }

    /// Hands out all pictures in order, a few at a time.
    ///
    /// - Parameter body: Takes pictures and, where there are some, their labels.
    /// - Throws: What `body` throws; `FileError` where a picture is damaged.
    func forEach(batch: Int, _ body: ([Image], [Int]?) throws -> Void) throws

    /// Single pictures, by their places.
    func images(at indices: [Int]) throws -> [Image]
}

extension PictureSource {
    /// Goes through all pictures.
    public func images(at indices: [Int]) throws -> [Image] {
        let wanted = Set(indices)
        var (found, place) = ([Int: Image](), 0)
        try forEach(batch: 1) { images, _ in
            if wanted.contains(place) { found[place] = images.first }
            place += 1
        }
        return try indices.map { index in
            guard let image = found[index] else { throw FileError(name, "has no picture number \(index)") }
            return image
        }
    }
}

/// The pictures of a data set, as they are or as squares of one side.
public struct DatasetPictures: PictureSource, Sendable {
    private let dataset: any ImageDataset
    private let transform: PictureTransform?
    /// Whether the labels mean anything: a folder of pictures alone is one class.
    private let isLabelled: Bool

    public init(_ dataset: any ImageDataset) {
        (self.dataset, transform) = (dataset, nil)
        isLabelled = dataset.classNames.count > 1
    }

    /// - Parameters:
    ///   - side: Of the square pictures that come out, in pixels.
    ///   - channels: 1 or 3; pictures are converted.
    ///   - fit: How a picture becomes a square.
    public init(_ dataset: any ImageDataset, side: Int, channels: Int, fit: ImageFit) throws(FileError) {
        self.dataset = dataset
        transform = try PictureTransform(side: side, channels: channels, fit: fit)
        isLabelled = dataset.classNames.count > 1
    }

    public var name: String { dataset.name }
    public var count: Int { dataset.count }
    public var classNames: [String]? { isLabelled ? dataset.classNames : nil }

    public func forEach(batch: Int, _ body: ([Image], [Int]?) throws -> Void) throws {
        let ranges = stride(from: 0, to: count, by: batch).map { $0..<min($0 + batch, count) }
        let queue = OrderedQueue(ranges.indices, capacity: 4) { [self] number in
            Result { try images(at: Array(ranges[number])) }
        }
        queue.start(threads: 2, name: "pictures")
        defer { queue.stop() }
        for range in ranges {
            guard let images = queue.next() else { return }
            try body(images.get(), isLabelled ? range.map(dataset.label) : nil)
        }
    }

    public func images(at indices: [Int]) throws -> [Image] { try indices.map(image) }

    private func image(_ index: Int) throws(FileError) -> Image {
        let image = try dataset.image(index)
        return try transform?.apply(image) ?? image
    }
}
