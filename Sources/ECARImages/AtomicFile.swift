import CImages
import Foundation

/// A file that appears under its name only once it is whole.
///
/// Everything is written to a temporary name in the same folder, synced, and renamed by `commit()`. Without it,
/// nothing is left behind.
final class AtomicFile {
    let target: URL
    private let temporary: String
    private var descriptor: Int32?

    /// - Throws: `ImageError` if the folder is missing or cannot be written.
    init(_ url: URL) throws(ImageError) {
        let folder = url.deletingLastPathComponent()
        let temporary = folder.appendingPathComponent(".\(url.lastPathComponent).\(UUID().uuidString).tmp").path
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue else {
            throw ImageError(url.path, "cannot be created: there is no folder \(folder.path)")
        }
        guard !FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) || !isFolder.boolValue else {
            throw ImageError(url.path, "is a folder", remedy: "Give the name of a file")
        }
        target = url
        self.temporary = temporary
        descriptor = try checked(url.path) { ci_create(temporary, $0) }
    }

    deinit { discard() }

    func write(_ bytes: [UInt8]) throws(ImageError) {
        try withDescriptor { (descriptor) throws(ImageError) in
            _ = try checked(target.path) { ci_write(descriptor, bytes, bytes.count, $0) }
        }
    }

    /// The descriptor for a C library to write to; it stays this object's.
    func withDescriptor<T>(_ body: (Int32) throws(ImageError) -> T) throws(ImageError) -> T {
        guard let descriptor else { throw ImageError(target.path, "is already closed") }
        return try body(descriptor)
    }

    /// Syncs the content and gives the file its name.
    func commit() throws(ImageError) {
        guard let descriptor else { throw ImageError(target.path, "is already closed") }
        try checked(target.path) { ci_sync(descriptor, $0) }
        self.descriptor = nil
        do {
            try checked(target.path) { ci_close(descriptor, $0) }
            try checked(target.path) { ci_rename(temporary, target.path, $0) }
        } catch {
            ci_unlink(temporary)
            throw error
        }
    }

    /// Removes what was written so far.
    func discard() {
        guard let open = descriptor else { return }
        descriptor = nil
        var message = [CChar](repeating: 0, count: Int(CI_MESSAGE))
        _ = ci_close(open, &message)
        ci_unlink(temporary)
    }
}

/// Writes a file so that it is whole or not there: temporary name in the same folder, sync, rename.
///
/// - Throws: `ImageError` if the folder cannot be written or the disk is full; an existing file stays as it was.
public func writeAtomically(_ data: Data, to url: URL) throws(ImageError) {
    let file = try AtomicFile(url)
    try file.write([UInt8](data))
    try file.commit()
}
