import ECAR
import Files
import Foundation
import Torch

/// A folder of pictures' latents, made by an autoencoder once and read from then on.
///
///     cache.json   latents-00000.safetensors   latents-00001.safetensors   …
///
/// The files are mapped: opening reads labels and places alone, and a picture's latents are fetched when they are asked
/// for. Safe from many threads at once.
///
/// B pictures; C, h, w as the manifest's `shape` says.
public struct LatentCache: Sendable {
    public let url: URL
    public let manifest: LatentCacheManifest
    private let shards: [LatentShard]
    /// The first picture of every shard, and at last the number of all.
    private let starts: [Int]

    /// Opens a complete cache, and checks all that does not mean reading the latents.
    ///
    /// - Throws: `FileError` or `ECARError` naming the file and what is wrong with it.
    public init(_ url: URL) throws {
        let manifest = try LatentCacheManifest.read(url)
        guard manifest.isComplete else {
            throw FileError(
                url.path, "is a latent cache that is not complete", remedy: "Run the `ecar encode` that began it again")
        }
        var shards: [LatentShard] = []
        var starts = [0]
        for (number, listed) in manifest.shards.enumerated() {
            let shard = try LatentShard(url, number, manifest)
            guard shard.count == listed.pictures else {
                throw FileError(
                    shard.file.name, "holds \(shard.count) pictures, and \(listed.pictures) by the manifest",
                    remedy: "Run the `ecar encode` that made the cache again")
            }
            shards.append(shard)
            starts.append(starts[number] + shard.count)
        }
        (self.url, self.manifest, self.shards, self.starts) = (url, manifest, shards, starts)
    }

    /// Whether a folder looks like a latent cache, whole or not.
    public static func isCache(_ url: URL) -> Bool {
        FileManager.default.fileExists(atPath: LatentCacheManifest.file(url).path)
    }

    /// At least 1.
    public var count: Int { starts[starts.count - 1] }

    /// The size of its files of latents.
    public var byteCount: Int { shards.reduce(0) { $0 + $1.file.byteCount } }

    /// One name for each label.
    public var classNames: [String] { manifest.classNames }

    /// The label of a picture: 0 ..< classNames.count.
    public func label(_ index: Int) -> Int {
        let shard = shardNumber(index)
        return Int(shards[shard].labels[index - starts[shard]])
    }

    /// The posterior of pictures, in float32, in the space's latents times the manifest's `latentScale`.
    ///
    /// - Parameter items: Pictures, and whether their mirror images are meant.
    /// - Throws: `FileError` where there is no such picture, no mirror images, or a value that is not finite; `TorchError`
    ///   where the device refuses.
    public func posterior(_ items: [(index: Int, mirrored: Bool)]) throws -> Posterior {
        guard items.allSatisfy({ (0..<count).contains($0.index) && (!$0.mirrored || manifest.isMirrored) }) else {
            throw FileError(
                url.path, manifest.isMirrored ? "has no such picture" : "has no such picture or mirror image")
        }
        let mean = try values(items, .mean, .mirroredMean)  // (B, C, h, w)
        guard manifest.hasLogVariance else { return Posterior(mean: mean) }
        return Posterior(mean: mean, logVariance: try values(items, .logVariance, .mirroredLogVariance))
    }

    private func values(
        _ items: [(index: Int, mirrored: Bool)], _ plain: LatentShard.Latents, _ mirrored: LatentShard.Latents
    ) throws -> Tensor {
        let size = manifest.valueCount
        var halves = [UInt16](repeating: 0, count: items.count * size)
        for (place, item) in items.enumerated() {
            let part = place * size..<(place + 1) * size
            let shard = shardNumber(item.index)
            halves.withUnsafeMutableBytes { all in
                shards[shard].copy(
                    item.mirrored ? mirrored : plain, of: item.index - starts[shard], valueCount: size,
                    to: UnsafeMutableRawBufferPointer(rebasing: all[part.lowerBound * 2..<part.upperBound * 2]))
            }
            // An exponent of ones alone is infinity or NaN.
            guard halves[part].allSatisfy({ $0 & 0x7C00 != 0x7C00 }) else {
                throw FileError(
                    shards[shard].file.name, "holds latents that are not finite", remedy: "Make the cache anew")
            }
        }
        return try Tensor(bytes: halves, shape: [items.count] + manifest.shape, dtype: .float16)
            .to(.float32)  // (B, C, h, w)
    }

    /// The shard that holds a picture.
    private func shardNumber(_ index: Int) -> Int {
        var (low, high) = (0, shards.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= index { low = middle } else { high = middle }
        }
        return low
    }
}
