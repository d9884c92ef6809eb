import Files
import Foundation

/// A folder of `.tar` files as one tree: shards whose members lie in class folders, or one archive a class, named after it
/// (as ImageNet's are), whose members lie at its top. Archives may lie below `train`, `valid` and `test`.
struct TarShardTree: FileTree {
    let name: String
    let paths: [String]
    private let shards: [TarTree]
    /// Where each path is: its shard, and its number there.
    private let places: [(shard: Int, index: Int)]

    /// The archives among a folder's files; none where it holds pictures beside them.
    static func archives(in folder: FolderTree) -> [String] {
        guard !folder.paths.contains(where: ImagePath.hasImageExtension) else { return [] }
        return folder.paths.filter { $0.hasSuffix(".tar") }
    }

    /// - Throws: `FileError` where an archive is damaged, or two of them hold a file of the same path.
    init(_ folder: FolderTree, archives: [String]) throws(FileError) {
        Self.allowOpenFiles(archives.count)
        var shards: [TarTree] = []
        var entries: [(path: String, shard: Int, index: Int)] = []
        for archive in archives {
            let shard = try TarTree(InputFile(folder.url(of: archive)))
            let parts = archive.split(separator: "/")
            let split = parts.dropLast().first { $0.isSplit }.map { "\($0)/" } ?? ""
            let stem = parts.last.map { $0.dropLast(4) } ?? ""
            for (index, path) in shard.paths.enumerated() {
                let place = path.contains("/") ? path : "\(stem)/\(path)"
                let isInSplit = place.prefix { $0 != "/" }.isSplit
                entries.append((isInSplit ? place : split + place, shards.count, index))
            }
            shards.append(shard)
        }
        entries.sort { bytewise($0.path, $1.path) }
        for (one, next) in zip(entries, entries.dropFirst()) where one.path == next.path {
            throw FileError(shards[next.shard].name, "holds \(next.path), as does \(shards[one.shard].name)")
        }
        self.shards = shards
        name = folder.name
        paths = entries.map(\.path)
        places = entries.map { ($0.shard, $0.index) }
    }

    func contents(of index: Int, limit: Int) throws(FileError) -> [UInt8] {
        let place = places[index]
        return try shards[place.shard].contents(of: place.index, limit: limit)
    }

    /// Every archive stays open, and systems allow a program few open files unless it asks for more.
    private static func allowOpenFiles(_ count: Int) {
        var limit = rlimit()
        guard getrlimit(fileLimit, &limit) == 0, limit.rlim_cur < rlim_t(count + 256) else { return }
        limit.rlim_cur = min(limit.rlim_max, rlim_t(count + 256))
        setrlimit(fileLimit, &limit)
    }

    #if os(Linux)
        private static let fileLimit = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let fileLimit = RLIMIT_NOFILE
    #endif
}

extension Substring {
    /// Whether a folder of this name holds a split.
    fileprivate var isSplit: Bool { DatasetSplit(name: self) != nil }
}
