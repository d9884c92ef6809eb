import ECARImages
import Files
import Foundation
import Torch

/// Makes a latent cache, shard by shard.
///
/// Every shard appears whole or not at all, so a writer killed at any moment can be followed by another one, which makes
/// what is missing.
public final class LatentCacheWriter {
    public let url: URL
    public private(set) var manifest: LatentCacheManifest
    private let lock: FolderLock
    /// The shards that are there.
    private var written: [Int: Summary] = [:]

    /// What the manifest keeps of a shard.
    private struct Summary {
        let count: Int
        let skipped: [LatentCacheManifest.Skipped]
    }

    // MARK: Opening

    /// Begins a cache in a new or empty folder, or goes on with one that has the same settings and source.
    ///
    /// - Throws: `FileError` where the folder holds something else, another process writes to it, or the cache in it was
    ///   begun with other settings, of which it names one.
    public init(_ url: URL, _ wanted: LatentCacheManifest, dataset: any ImageDataset) throws {
        try wanted.validate()
        try Self.makeFolder(url)
        lock = try FolderLock(url, busy: "is being written by another process")
        self.url = url
        manifest = wanted
        try Self.removeLeftovers(url)
        guard FileManager.default.fileExists(atPath: LatentCacheManifest.file(url).path) else {
            if let name = Self.names(url).first(where: { !$0.hasPrefix(".") }) {
                throw FileError(
                    url.path, "is not empty (\(name)), and no latent cache", remedy: "Choose another folder")
            }
            try wanted.write(url)
            return
        }
        let existing = try LatentCacheManifest.read(url)
        if let difference = existing.firstDifference(from: wanted) {
            throw FileError(
                url.path,
                "was begun with another \"\(difference.setting)\": \(difference.here), not \(difference.wanted)",
                remedy: "Use the same settings, or another folder")
        }
        manifest = existing
        for number in 0..<manifest.shardCount {
            // A damaged shard is made again, like one that is missing.
            guard let shard = try? LatentShard(url, number, manifest), let skipped = try? shard.skipped() else {
                continue
            }
            guard zip(shard.indices, shard.labels).allSatisfy({ dataset.label($0) == Int($1) }) else {
                throw FileError(
                    shard.file.name, "has other labels than \(dataset.name)", remedy: "Choose another folder")
            }
            written[number] = Summary(count: shard.count, skipped: skipped)
        }
    }

    private static func makeFolder(_ url: URL) throws(FileError) {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), !isFolder.boolValue {
            throw FileError(url.path, "is a file", remedy: "Give the name of a folder")
        }
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        } catch {
            throw FileError(url.path, "cannot be created: \(error.localizedDescription)")
        }
    }

    private static func names(_ url: URL) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted()
    }

    /// Removes what killed writers have left half-written.
    private static func removeLeftovers(_ url: URL) throws {
        for name in names(url) where name.hasSuffix(".tmp") {
            guard name.hasPrefix(".latents-") || name.hasPrefix(".cache.json.") else { continue }
            try FileManager.default.removeItem(at: url.appendingPathComponent(name))
        }
    }

    // MARK: Writing

    /// The shards that are still to be written, ascending.
    public var missing: [Int] { (0..<manifest.shardCount).filter { written[$0] == nil } }

    /// Pictures of the shards that are there, skipped ones included.
    public var pictures: Int { written.keys.reduce(0) { $0 + manifest.indices(ofShard: $1).count } }

    /// Writes a shard.
    ///
    /// - Parameters:
    ///   - latents: float16 (n, C, h, w), each on the CPU, in the order that `LatentShard` names them.
    ///   - indices: the pictures' places in the data set, ascending.
    ///   - skipped: the shard's pictures that could not be read.
    func write(
        _ number: Int, latents: [Tensor], indices: [Int], labels: [Int], skipped: [LatentCacheManifest.Skipped]
    ) throws {
        let named = Array(skipped.prefix(LatentCacheManifest.skippedLimit))
        var metadata: [String: String] = [:]
        if !named.isEmpty {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            metadata["skipped"] = String(decoding: try encoder.encode(named), as: UTF8.self)
        }
        let names = LatentShard.Latents.all(of: manifest).map(\.rawValue)
        try SafeTensors.write(
            Array(zip(names, latents)) + [("labels", try Tensor(labels)), ("indices", try Tensor(indices))],
            metadata: metadata, to: url.appendingPathComponent(LatentCacheManifest.shardName(number)))
        written[number] = Summary(count: indices.count, skipped: named)
    }

    /// Makes the cache complete once no shard is missing.
    ///
    /// - Throws: `FileError` where no picture could be read, or the manifest cannot be written.
    func finish() throws {
        var complete = manifest
        let shards = (0..<manifest.shardCount).compactMap { number in written[number].map { (number, $0) } }
        complete.shards = shards.map { .init(file: LatentCacheManifest.shardName($0), pictures: $1.count) }
        complete.skipped = Array(shards.flatMap(\.1.skipped).prefix(LatentCacheManifest.skippedLimit))
        complete.skippedCount = manifest.source.pictures - shards.reduce(0) { $0 + $1.1.count }
        complete.isComplete = true
        guard complete.skippedCount < manifest.source.pictures else {
            throw FileError(url.path, "stays without latents: none of the pictures could be read")
        }
        guard complete != manifest else { return }
        try complete.write(url)
        manifest = complete
    }
}
