import ECAR
import Files
import Foundation

/// What a run does with folders: make, list, sync, take away.
enum Folder {
    static func exists(_ url: URL) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) && isFolder.boolValue
    }

    static func make(_ url: URL) throws(ECARError) {
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            throw ECARError("\(url.path): the folder cannot be created (\(reason(error)))")
        }
    }

    /// The names in a folder, none where there is no such folder.
    static func names(_ url: URL) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    }

    static func move(_ from: URL, to: URL) throws(ECARError) {
        guard rename(from.path, to.path) == 0 else {
            throw ECARError("\(to.path): \(String(cString: strerror(errno)))")
        }
    }

    /// Makes a folder that appears under its name only once it is whole.
    static func make(_ url: URL, _ write: (URL) throws -> Void) throws {
        let partial = url.deletingLastPathComponent().appendingPathComponent(".\(url.lastPathComponent).partial")
        try? FileManager.default.removeItem(at: partial)
        do {
            try make(partial)
            try write(partial)
            try move(partial, to: url)
        } catch {
            try? FileManager.default.removeItem(at: partial)
            throw error
        }
        try syncFolder(url.deletingLastPathComponent())
    }

    /// Takes a folder away: under its name it is there or not, never in part.
    static func remove(_ url: URL) throws(ECARError) {
        let hidden = url.deletingLastPathComponent().appendingPathComponent(".\(url.lastPathComponent).removed")
        try? FileManager.default.removeItem(at: hidden)
        try move(url, to: hidden)
        try? FileManager.default.removeItem(at: hidden)
    }

    /// Removes what killed writers have left in a folder, by the endings of their temporary names.
    static func removeLeftovers(in url: URL) {
        let endings = [".partial", ".removed", ".tmp"]
        for name in names(url) where name.hasPrefix(".") && endings.contains(where: name.hasSuffix) {
            try? FileManager.default.removeItem(at: url.appendingPathComponent(name))
        }
    }

    private static func reason(_ error: any Error) -> String {
        let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
        guard let underlying, underlying.domain == NSPOSIXErrorDomain else { return error.localizedDescription }
        return String(cString: strerror(Int32(underlying.code)))
    }
}
