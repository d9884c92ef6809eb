import Files
import Foundation

/// A hidden folder inside the one where results are to appear, gone with this object.
final class Scratch {
    private let url: URL
    /// Where results are to appear.
    private let folder: URL
    /// The folders that did not exist before, the deepest first.
    private let createdFolders: [URL]

    /// - Throws: `CommandError` where the folder cannot be made or written.
    init(in folder: URL) throws {
        self.folder = folder
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

    /// Has a file made that is to have this name in the end, by which errors call it.
    func make(_ name: String, _ body: (URL) throws -> Void) throws {
        let temporary = url.appendingPathComponent(name)
        do {
            try body(temporary)
        } catch let error as FileError where error.file == temporary.path {
            throw FileError(place(name), error.cause, remedy: error.remedy)
        }
    }

    /// Gives files their final places: all of them, or none.
    ///
    /// - Throws: `CommandError` naming the place that a file cannot have; the others then hold what they held before,
    ///   as far as the file system knows hard links.
    func move(_ names: [String]) throws {
        for (count, name) in names.enumerated() {
            // Fails where there is nothing, which is then what there was before.
            link(place(name), earlier(name))
            guard rename(url.appendingPathComponent(name).path, place(name)) == 0 else {
                let reason = String(cString: strerror(errno))
                for moved in names.prefix(count) { restore(moved) }
                throw CommandError.failure("\(place(name)): cannot be written (\(reason))")
            }
        }
    }

    private func place(_ name: String) -> String { folder.appendingPathComponent(name).path }

    /// What a file replaces.
    private func earlier(_ name: String) -> String { url.appendingPathComponent("\(name).earlier").path }

    private func restore(_ name: String) {
        if rename(earlier(name), place(name)) != 0 { unlink(place(name)) }
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
        guard !FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) || !isFolder.boolValue else {
            throw CommandError.failure("\(option) \(url.path): is a folder, and a file is to have that name")
        }
        let probe = folder.appendingPathComponent(".ecar-\(UUID().uuidString)")
        guard FileManager.default.createFile(atPath: probe.path, contents: nil) else {
            throw CommandError.failure("\(option) \(url.path): the folder cannot be written")
        }
        try? FileManager.default.removeItem(at: probe)
    }
}
