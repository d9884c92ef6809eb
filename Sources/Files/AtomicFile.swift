import Foundation

/// A file that appears under its name only once it is whole.
///
/// Everything is written to a temporary name in the same folder, synced, and renamed by ``commit()``. Without it,
/// nothing is left behind.
public final class AtomicFile {
    public let target: URL
    private let temporary: String
    private var descriptor: Int32?

    /// - Throws: ``FileError`` if the folder is missing or cannot be written.
    public init(_ url: URL) throws(FileError) {
        let folder = url.deletingLastPathComponent()
        let temporary = folder.appendingPathComponent(".\(url.lastPathComponent).\(UUID().uuidString).tmp").path
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue else {
            throw FileError(url.path, "cannot be created: there is no folder \(folder.path)")
        }
        guard !FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) || !isFolder.boolValue else {
            throw FileError(url.path, "is a folder", remedy: "Give the name of a file")
        }
        target = url
        self.temporary = temporary
        let opened = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard opened >= 0 else { throw Self.failure(url, "cannot be created") }
        descriptor = opened
    }

    deinit { discard() }

    public func write(_ bytes: some ContiguousBytes) throws(FileError) {
        let descriptor = try openDescriptor()
        let complete = bytes.withUnsafeBytes { buffer in
            var rest = buffer
            while !rest.isEmpty {
                // Systems take no more than 2 GB at a time.
                let count = Foundation.write(descriptor, rest.baseAddress, min(rest.count, 1 << 30))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            }
            return true
        }
        guard complete else { throw Self.failure(target, "cannot be written") }
    }

    /// The descriptor for a C library to write to; it stays this object's.
    public func withDescriptor<Value>(_ body: (Int32) throws(FileError) -> Value) throws(FileError) -> Value {
        try body(openDescriptor())
    }

    /// Syncs the content and gives the file its name.
    public func commit() throws(FileError) {
        let open = try openDescriptor()
        guard fsync(open) == 0 else { throw Self.failure(target, "cannot be written") }
        descriptor = nil
        guard close(open) == 0, rename(temporary, target.path) == 0 else {
            let failure = Self.failure(target, "cannot be written")
            unlink(temporary)
            throw failure
        }
        // Some file systems cannot sync a folder; the file itself is whole either way.
        try? syncFolder(target.deletingLastPathComponent())
    }

    /// Removes what was written so far.
    public func discard() {
        guard let open = descriptor else { return }
        descriptor = nil
        close(open)
        unlink(temporary)
    }

    private func openDescriptor() throws(FileError) -> Int32 {
        guard let descriptor else { throw FileError(target.path, "is already closed") }
        return descriptor
    }

    private static func failure(_ url: URL, _ what: String) -> FileError {
        FileError(url.path, "\(what): \(String(cString: strerror(errno)))")
    }
}

/// Writes a file so that it is whole or not there: temporary name in the same folder, sync, rename.
///
/// - Throws: ``FileError`` if the folder cannot be written or the disk is full; an existing file stays as it was.
public func writeAtomically(_ data: Data, to url: URL) throws(FileError) {
    let file = try AtomicFile(url)
    try file.write(data)
    try file.commit()
}

/// Makes the names in a folder survive a power cut.
///
/// - Throws: ``FileError`` where the folder cannot be opened or synced; file systems that know no such thing are content.
public func syncFolder(_ url: URL) throws(FileError) {
    func failure() -> FileError { FileError(url.path, "cannot be synced: \(String(cString: strerror(errno)))") }
    let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure() }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP else { throw failure() }
}
