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
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
        throw FileError(url.path, "does not exist")
    }
    if isFolder.boolValue {
        let folder = try FolderTree(url.resolvingSymlinksInPath())
        let archives = TarShardTree.archives(in: folder)
        guard archives.isEmpty else { return try openTree(TarShardTree(folder, archives: archives), split: split) }
        return try openTree(folder, split: split)
    }
    let file = try InputFile(url)
    var start = try file.read(0..<min(file.size, 4096))
    if isGzip(start) {
        start = try gunzipPrefix(try file.contents(limit: TarTree.maximumUnpackedSize), count: 512, name: file.name)
    }
    if IDXArray.isImages(start) { return try openIDXFile(url, split: split) }
    if isTar(start) { return try openTree(TarTree(file), split: split) }
    if url.pathExtension == "bin" { return try CIFARDataset(file: url, split: split) }
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

private func openTree(_ tree: some FileTree, split: DatasetSplit?) throws(FileError) -> any ImageDataset {
    guard !tree.paths.isEmpty else { throw FileError(tree.name, "holds no files") }
    if let idx = try IDXDataset(tree: tree, split: split) { return idx }
    if let cifar = try CIFARDataset(tree: tree, split: split) { return cifar }
    return try ClassFolderDataset(tree: tree, split: split)
}

/// Whether a block is a tar header: the sum of its bytes, its own field taken as spaces, stands in octal at 148.
private func isTar(_ block: [UInt8]) -> Bool {
    guard block.count >= 512 else { return false }
    var sum = 0
    for (i, byte) in block.prefix(512).enumerated() { sum += (148..<156).contains(i) ? 32 : Int(byte) }
    let field = block[148..<156].drop { $0 == 32 }.prefix { (48...55).contains($0) }
    return sum > 8 * 32 && Int(String(decoding: field, as: UTF8.self), radix: 8) == sum
}
