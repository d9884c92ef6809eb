import Files
import Foundation

/// Grey pictures and labels of the MNIST family, held in memory.
struct IDXDataset: ImageDataset {
    let name: String
    let classNames: [String]
    private let images: IDXArray  // (N, H, W)
    private let labels: IDXArray  // (N)

    /// - Throws: `FileError` if the two do not belong together or hold nothing.
    init(images: IDXArray, labels: IDXArray, name: String) throws(FileError) {
        guard images.shape[0] == labels.shape[0] else {
            throw FileError(name, "has \(images.shape[0]) images but \(labels.shape[0]) labels")
        }
        guard images.shape[0] > 0 else { throw FileError(name, "holds no images") }
        do {
            try Image.check(width: images.shape[2], height: images.shape[1], channels: 1)
        } catch {
            throw FileError(
                name, "holds images of \(images.shape[2])×\(images.shape[1]) pixels, which is out of range")
        }
        let largest = labels.bytes[labels.start...].max() ?? 0
        classNames = (0..<max(10, Int(largest) + 1)).map(String.init)
        self.images = images
        self.labels = labels
        self.name = name
    }

    /// - Returns: nil if the tree holds no IDX images.
    init?(tree: some FileTree, split: DatasetSplit?) throws(FileError) {
        let files = tree.paths.indices.filter { Self.isImagesName(tree.paths[$0]) }
        guard !files.isEmpty else { return nil }
        let wanted = split ?? .train
        let matching = files.filter { Self.split(of: tree.paths[$0]) == wanted }
        guard let file = matching.first ?? (split == nil && files.count == 1 ? files.first : nil) else {
            throw FileError(tree.name, "has no IDX images for the split '\(wanted.rawValue)'")
        }
        let path = tree.paths[file]
        let candidates = Self.labelsNames(for: path)
        guard let labels = candidates.lazy.compactMap({ tree.index(of: $0) }).first else {
            throw FileError(tree.name(of: file), "has no labels file beside it (such as \(candidates[0]))")
        }
        try self.init(
            images: try IDXArray(
                file: try tree.contents(of: file, limit: Self.limit), dimensions: 3, name: tree.name(of: file)),
            labels: try IDXArray(
                file: try tree.contents(of: labels, limit: Self.limit), dimensions: 1, name: tree.name(of: labels)),
            name: tree.name(of: file))
    }

    private static let limit = 8 << 30

    /// - Returns: nil if the tree holds no IDX images.
    static func splits(in tree: some FileTree) -> Set<DatasetSplit>? {
        let files = tree.paths.filter(isImagesName)
        return files.isEmpty ? nil : Set(files.compactMap(split(of:)))
    }

    var count: Int { images.shape[0] }

    func label(_ index: Int) -> Int { Int(labels.bytes[labels.start + index]) }

    func image(_ index: Int) throws(FileError) -> Image {
        let (height, width) = (images.shape[1], images.shape[2])
        let start = images.start + index * height * width
        return Image(
            unchecked: Array(images.bytes[start..<start + height * width]), width: width, height: height, channels: 1)
    }

    // MARK: File names

    /// Names in use: `train-images-idx3-ubyte`, `train-images.idx3-ubyte`, each also with `.gz`.
    static func isImagesName(_ path: String) -> Bool {
        (path.hasSuffix("idx3-ubyte") || path.hasSuffix("idx3-ubyte.gz")) && path.contains("images")
    }

    private static func split(of path: String) -> DatasetSplit? {
        let file = path.split(separator: "/").last ?? ""
        let prefix = file.prefix { $0.isLetter || $0.isNumber }
        return prefix == "t10k" ? .test : file.hasPrefix("emnist") ? emnistSplit(of: file) : DatasetSplit(name: prefix)
    }

    /// `emnist-letters-train-images-idx3-ubyte`
    private static func emnistSplit(of file: Substring) -> DatasetSplit? {
        file.split(separator: "-").lazy.compactMap { DatasetSplit(name: $0) }.first
    }

    /// Where the labels may be: in the same format or in the other one of plain and gzip.
    static func labelsNames(for images: String) -> [String] {
        var parts = images.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let file = (parts.popLast() ?? "").replacingOccurrences(of: "images", with: "labels")
            .replacingOccurrences(of: "idx3", with: "idx1")
        let same = (parts + [file]).joined(separator: "/")
        return [same, same.hasSuffix(".gz") ? String(same.dropLast(3)) : same + ".gz"]
    }
}

/// Opens one IDX file of pictures with the labels beside it.
func openIDXFile(_ url: URL, split: DatasetSplit?) throws(FileError) -> IDXDataset {
    guard split == nil else {
        throw FileError(url.path, "is a single file without splits", remedy: "Leave the split out or give its folder")
    }
    let candidates = IDXDataset.labelsNames(for: url.lastPathComponent)
        .map { url.deletingLastPathComponent().appendingPathComponent($0) }
    guard let labels = candidates.first(where: { $0 != url && FileManager.default.fileExists(atPath: $0.path) }) else {
        throw FileError(url.path, "has no labels file beside it (such as \(candidates[0].lastPathComponent))")
    }
    let limit = 8 << 30
    return try IDXDataset(
        images: try IDXArray(file: try InputFile(url).contents(limit: limit), dimensions: 3, name: url.path),
        labels: try IDXArray(file: try InputFile(labels).contents(limit: limit), dimensions: 1, name: labels.path),
        name: url.path)
}
