import Files
import Foundation

/// Labelled pictures, by number.
public protocol ImageDataset: Sendable {
    /// Where the data comes from, as errors and logs show it.
    var name: String { get }
    /// At least 1.
    var count: Int { get }
    /// One name for each label.
    var classNames: [String] { get }
    /// The label of a picture: 0 ..< classNames.count.
    func label(_ index: Int) -> Int
    /// Reads a picture; safe from many threads at once.
    ///
    /// - Throws: `FileError` if its file is damaged or gone.
    func image(_ index: Int) throws(FileError) -> Image
}

/// Opens a data set, known by its content.
///
/// - Parameters:
///   - url: a folder of class folders with PNG or JPEG files, the same in a `.tar` or `.tar.gz` (which
///     is unpacked in memory); a folder of `.tar` files, with class folders in each or one archive a class; a folder or file of
///     the IDX (MNIST) format, gzip or not; a folder, archive or file of CIFAR-10's binary version.
///   - split: "train", "valid" or "test". Without it, train where there are splits, and everything where there are none.
/// - Throws: `FileError` if the path is missing, damaged, empty, of no known kind, or has no such split.
public func openDataset(_ url: URL, split: String? = nil) throws(FileError) -> any ImageDataset {
    let split = try split.map { (name) throws(FileError) in
        guard let split = DatasetSplit(name: name) else {
            throw FileError("the split '\(name)'", "is unknown", remedy: "Use train, valid or test")
        }
        return split
    }
    switch try findSource(url) {
    case .tree(let tree):
        if let idx = try IDXDataset(tree: tree, split: split) { return idx }
        if let cifar = try CIFARDataset(tree: tree, split: split) { return cifar }
        return try ClassFolderDataset(tree: tree, split: split)
    case .idxFile: return try openIDXFile(url, split: split)
    case .cifarFile: return try CIFARDataset(file: url, split: split)
    }
}

/// The splits that a data set has, as ``openDataset(_:split:)`` calls them, known by the names of files and folders alone:
/// whether they can be read is not known yet.
///
/// - Throws: `FileError` if the path is missing, damaged, empty, or of no known kind.
public func datasetSplits(_ url: URL) throws(FileError) -> Set<String> {
    guard case .tree(let tree) = try findSource(url) else { return [] }
    let splits =
        IDXDataset.splits(in: tree) ?? CIFARDataset.splits(in: tree) ?? ClassFolderDataset.splits(in: tree)
    return Set(splits.map(\.rawValue))
}

/// Where a data set's files are.
private enum DatasetSource {
    case tree(any FileTree)
    case idxFile, cifarFile
}

private func findSource(_ url: URL) throws(FileError) -> DatasetSource {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
        throw FileError(url.path, "does not exist")
    }
    if isFolder.boolValue {
        let folder = try FolderTree(url.resolvingSymlinksInPath())
        let archives = TarShardTree.archives(in: folder)
        guard archives.isEmpty else { return .tree(try notEmpty(TarShardTree(folder, archives: archives))) }
        return .tree(try notEmpty(folder))
    }
    let file = try InputFile(url)
    var start = try file.read(0..<min(file.size, 4096))
    if isGzip(start) {
        start = try gunzipPrefix(try file.contents(limit: TarTree.maximumUnpackedSize), count: 512, name: file.name)
    }
    if IDXArray.isImages(start) { return .idxFile }
    if isTar(start) { return .tree(try notEmpty(TarTree(file))) }
    if url.pathExtension == "bin" { return .cifarFile }
    throw FileError(
        url.path, "is no data set of a known kind",
        remedy: "Give a folder or .tar of class folders with PNG or JPEG files, IDX files, or CIFAR-10's binary version"
    )
}

/// A part of a data set, under the names it goes by.
enum DatasetSplit: String, CaseIterable, Sendable {
    case train, valid, test

    init?(name: some StringProtocol) {
        switch name.lowercased() {
        case "train", "training": self = .train
        case "valid", "val", "validation": self = .valid
        case "test", "testing": self = .test
        default: return nil
        }
    }
}

private func notEmpty(_ tree: some FileTree) throws(FileError) -> any FileTree {
    guard !tree.paths.isEmpty else { throw FileError(tree.name, "holds no files") }
    return tree
}

/// Whether a block is a tar header: the sum of its bytes, its own field taken as spaces, stands in octal at 148.
private func isTar(_ block: [UInt8]) -> Bool {
    guard block.count >= 512 else { return false }
    var sum = 0
    for (i, byte) in block.prefix(512).enumerated() { sum += (148..<156).contains(i) ? 32 : Int(byte) }
    let field = block[148..<156].drop { $0 == 32 }.prefix { (48...55).contains($0) }
    return sum > 8 * 32 && Int(String(decoding: field, as: UTF8.self), radix: 8) == sum
}
