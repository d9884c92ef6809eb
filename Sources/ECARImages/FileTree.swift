import Files
import Foundation

/// Named files to read: a folder, or an archive that unpacks to one.
protocol FileTree: Sendable {
    /// The path of the folder or archive, as errors show it.
    var name: String { get }
    /// Relative paths with "/", sorted by their UTF-8 bytes.
    var paths: [String] { get }
    /// Reads a file whole; safe from many threads at once.
    func contents(of index: Int, limit: Int) throws(FileError) -> [UInt8]
}

extension FileTree {
    /// What errors call a file of the tree.
    func name(of index: Int) -> String { "\(name)/\(paths[index])" }

    /// The index of the file at a path.
    func index(of path: String) -> Int? {
        var (low, high) = (0, paths.count)
        while low < high {
            let middle = (low + high) / 2
            if bytewise(paths[middle], path) { low = middle + 1 } else { high = middle }
        }
        return low < paths.count && paths[low] == path ? low : nil
    }
}

/// An order of names that no locale changes.
func bytewise(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

/// A folder and what lies in it, hidden files left out.
struct FolderTree: FileTree {
    let name: String
    let paths: [String]
    private let root: URL
    private static let maximumDepth = 8

    /// - Throws: `FileError` if a folder cannot be listed.
    init(_ url: URL) throws(FileError) {
        root = url
        name = url.path
        var found: [String] = []
        try Self.list(url, prefix: "", depth: 0, into: &found)
        paths = found.sorted(by: bytewise)
    }

    private static func list(
        _ folder: URL, prefix: String, depth: Int, into found: inout [String]
    ) throws(FileError) {
        guard depth <= maximumDepth else {
            throw FileError(folder.path, "is nested more than \(maximumDepth) folders deep")
        }
        let entries: [String]
        do {
            entries = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        } catch {
            throw FileError(folder.path, "cannot be listed")
        }
        for entry in entries where !entry.hasPrefix(".") {
            let url = folder.appendingPathComponent(entry)
            var isFolder: ObjCBool = false
            // Asking the file system about each of a million images takes minutes; their names tell.
            if !ImagePath.hasImageExtension(entry) {
                _ = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
            }
            if isFolder.boolValue {
                try list(url, prefix: prefix + entry + "/", depth: depth + 1, into: &found)
            } else {
                found.append(prefix + entry)
            }
        }
    }

    /// Where a file of the tree is.
    func url(of path: String) -> URL { root.appendingPathComponent(path) }

    func contents(of index: Int, limit: Int) throws(FileError) -> [UInt8] {
        try InputFile(url(of: paths[index])).contents(limit: limit)
    }
}
