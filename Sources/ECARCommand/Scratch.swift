import Foundation

/// A hidden folder inside the one where results are to appear, gone with this object.
final class Scratch {
    let url: URL
    /// The folders that did not exist before, the deepest first.
    private let createdFolders: [URL]

    /// - Throws: `CommandError` where the folder cannot be made or written.
    init(in folder: URL) throws {
        url = folder.appendingPathComponent(".ecar-\(UUID().uuidString)")
        var missing: [URL] = []
        var ancestor = folder.standardizedFileURL
        while ancestor.path != "/", !FileManager.default.fileExists(atPath: ancestor.path) {
            missing.append(ancestor)
            ancestor.deleteLastPathComponent()
        }
        createdFolders = missing
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            throw CommandError.failure("--output \(folder.path): the folder cannot be created or written")
        }
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
        // Only an empty folder goes: rmdir refuses any other.
        for folder in createdFolders { rmdir(folder.path) }
    }

    /// Gives a file its final place.
    func move(_ name: String, to folder: URL) throws {
        let (from, to) = (url.appendingPathComponent(name), folder.appendingPathComponent(name))
        guard rename(from.path, to.path) == 0 else {
            throw CommandError.failure("\(to.path): cannot be written (\(String(cString: strerror(errno))))")
        }
    }

    /// - Throws: `CommandError` where a file of this name could not be written.
    ///
    /// - Parameter option: What named the file.
    static func check(writing url: URL, option: String = "--output") throws {
        let folder = url.deletingLastPathComponent()
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue else {
            throw CommandError.failure("\(option) \(url.path): there is no folder \(folder.path)")
        }
        let probe = folder.appendingPathComponent(".ecar-\(UUID().uuidString)")
        guard FileManager.default.createFile(atPath: probe.path, contents: nil) else {
            throw CommandError.failure("\(option) \(url.path): the folder cannot be written")
        }
        try? FileManager.default.removeItem(at: probe)
    }
}
