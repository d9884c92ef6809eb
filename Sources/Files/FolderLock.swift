import Foundation

/// Keeps other processes out of a folder until this object, or this process, is gone.
public final class FolderLock: Sendable {
    private let descriptor: Int32

    /// - Parameter busy: What is wrong where another process holds the lock, going on after the folder's path.
    /// - Throws: ``FileError`` where the folder cannot be opened, or another process holds the lock.
    public init(_ url: URL, busy: String) throws(FileError) {
        let opened = open(url.path, O_RDONLY | O_CLOEXEC)
        guard opened >= 0 else {
            throw FileError(url.path, "cannot be opened: \(String(cString: strerror(errno)))")
        }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            close(opened)
            throw FileError(url.path, busy, remedy: "Wait for it or stop it")
        }
        descriptor = opened
    }

    deinit { close(descriptor) }
}
