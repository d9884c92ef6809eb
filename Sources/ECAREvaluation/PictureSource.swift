import ECARImages
import Files
import Foundation

/// Pictures to be judged, and their classes where these are known.
public protocol PictureSource {
    /// Where they come from, as errors and reports show it.
    var name: String { get }
    var count: Int { get }
    /// Whether the pictures' classes are known.
    var isLabelled: Bool { get }
    /// One name for each label; nil where labels are numbers alone.
    var classNames: [String]? { get }

    /// Hands out all pictures in order, a few at a time, with their labels where there are some.
    ///
    /// - Throws: What `body` throws; `FileError` where a picture is damaged.
    func forEach(batch: Int, _ body: ([Image], [Int]?) throws -> Void) throws

    /// Single pictures, by their places.
    func images(at indices: [Int]) throws -> [Image]
}

/// How pictures of any shape become squares of one size.
public struct SquareFit: Sendable, Equatable {
    /// In pixels.
    public var side: Int
    /// 1 or 3, to which pictures are converted; nil: they keep theirs.
    public var channels: Int?
    public var fit: ImageFit

    public init(side: Int, channels: Int?, fit: ImageFit) {
        (self.side, self.channels, self.fit) = (side, channels, fit)
    }

    fileprivate func apply(_ image: Image) throws(FileError) -> Image {
        try PictureTransform(side: side, channels: channels ?? image.channels, fit: fit).apply(image)
    }
}

/// Opens an `.npz` file with pictures, or a data set.
///
/// - Parameters:
///   - split: Of a data set; see `openDataset(_:split:)`.
///   - fit: How the pictures become squares; nil: they stay as they are.
/// - Throws: `FileError` where the path is missing, damaged or of no known kind.
public func openPictures(_ url: URL, split: String? = nil, fit: SquareFit? = nil) throws -> any PictureSource {
    guard url.pathExtension.lowercased() == "npz" else {
        return try DatasetPictures(openDataset(url, split: split), fit: fit)
    }
    guard split == nil else { throw FileError(url.path, "is an .npz file, which has no splits") }
    return try NpzSource(url, fit: fit)
}

/// The pictures of a data set, decoded on background threads.
public struct DatasetPictures: PictureSource, Sendable {
    private let dataset: any ImageDataset
    private let fit: SquareFit?
    /// A folder of pictures alone is one class, which means nothing.
    public let isLabelled: Bool

    /// - Parameter fit: How the pictures become squares; nil: they stay as they are.
    public init(_ dataset: any ImageDataset, fit: SquareFit? = nil) {
        self.dataset = dataset
        self.fit = fit
        isLabelled = dataset.classNames.count > 1
    }

    public var name: String { dataset.name }
    public var count: Int { dataset.count }
    public var classNames: [String]? { isLabelled ? dataset.classNames : nil }

    public func forEach(batch: Int, _ body: ([Image], [Int]?) throws -> Void) throws {
        let ranges = stride(from: 0, to: count, by: batch).map { $0..<min($0 + batch, count) }
        let queue = OrderedQueue(ranges.indices, capacity: 4) { number in
            Result { try images(at: Array(ranges[number])) }
        }
        queue.start(threads: 2, name: "pictures")
        defer { queue.stop() }
        for range in ranges {
            guard let images = queue.next() else { return }
            try body(images.get(), isLabelled ? range.map(dataset.label) : nil)
        }
    }

    public func images(at indices: [Int]) throws -> [Image] {
        try indices.map { index in
            let image = try dataset.image(index)
            return try fit?.apply(image) ?? image
        }
    }
}

/// The pictures of an `.npz` file, read as a stream: `arr_0`, and their labels in `arr_1`.
public struct NpzSource: PictureSource {
    public let name: String
    public let count: Int
    public let isLabelled: Bool
    public let classNames: [String]? = nil
    private let url: URL
    private let fit: SquareFit?

    /// - Parameter fit: How the pictures become squares; nil: they stay as they are.
    public init(_ url: URL, fit: SquareFit? = nil) throws {
        (self.url, name, self.fit) = (url, url.path, fit)
        let pictures = try NpzPictures(url)
        (count, isLabelled) = (pictures.count, pictures.labels != nil)
    }

    public func forEach(batch: Int, _ body: ([Image], [Int]?) throws -> Void) throws {
        let pictures = try NpzPictures(url)
        var place = 0
        while true {
            let images = try pictures.next(batch)
            guard !images.isEmpty else { return }
            let labels = pictures.labels.map { Array($0[place..<place + images.count]) }
            place += images.count
            try body(images.map { try fit?.apply($0) ?? $0 }, labels)
        }
    }

    /// Goes through the file up to the last of them.
    public func images(at indices: [Int]) throws -> [Image] {
        let wanted = Set(indices)
        let pictures = try NpzPictures(url)
        var (found, place) = ([Int: Image](), 0)
        while found.count < wanted.count, let image = try pictures.next(1).first {
            if wanted.contains(place) { found[place] = try fit?.apply(image) ?? image }
            place += 1
        }
        return try indices.map { index in
            guard let image = found[index] else { throw FileError(name, "has no picture number \(index)") }
            return image
        }
    }
}
