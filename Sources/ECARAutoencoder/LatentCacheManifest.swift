import ECAR
import ECARImages
import Files
import Foundation
import TorchNN

/// `cache.json` of a latent cache: what its latents are, of which pictures, and in which files.
public struct LatentCacheManifest: Codable, Sendable, Equatable {
    /// What the latents were made from.
    public struct Source: Codable, Sendable, Equatable {
        /// The last component of the data set's path.
        public var name: String
        /// The split, where one was named.
        public var split: String?
        /// All of the data set's pictures, readable or not.
        public var pictures: Int

        public init(name: String, split: String?, pictures: Int) {
            (self.name, self.split, self.pictures) = (name, split, pictures)
        }
    }

    /// A file of latents.
    public struct Shard: Codable, Sendable, Equatable {
        public var file: String
        /// The pictures in it.
        public var pictures: Int
    }

    /// A picture that could not be read.
    public struct Skipped: Codable, Sendable, Equatable {
        /// Its place in the data set.
        public var index: Int
        public var name: String
        public var reason: String
    }

    public static let currentFormat = "ecar-latent-cache-1"
    /// How many skipped pictures are named.
    static let skippedLimit = 100

    /// The format's name and version.
    public var format = LatentCacheManifest.currentFormat
    public var latentSpace: LatentSpace
    /// The latents are the space's own times this.
    public var latentScale: Double
    /// The kind and weights of the encoder.
    public var autoencoder: String
    /// The arithmetic in which it encoded.
    public var precision: Precision
    /// The pictures' side in pixels, and how they became squares of it.
    public var side: Int
    public var fit: ImageFit
    /// Of one picture's latents.
    public var shape: [Int]  // (C, h, w)
    public var hasLogVariance: Bool
    /// Whether the latents of every picture's mirror image are there too.
    public var isMirrored: Bool
    public var classNames: [String]
    public var source: Source
    /// How many of the data set's pictures, in its order, make a shard.
    public var shardSize: Int
    /// Empty while the cache is being made.
    public var shards: [Shard] = []
    /// The first of the pictures that could not be read.
    public var skipped: [Skipped] = []
    public var skippedCount = 0
    public var isComplete = false

    public init(
        latentSpace: LatentSpace, latentScale: Double, autoencoder: String, precision: Precision, side: Int,
        fit: ImageFit, shape: [Int], hasLogVariance: Bool, isMirrored: Bool, classNames: [String], source: Source,
        shardSize: Int
    ) {
        (self.latentSpace, self.latentScale, self.autoencoder) = (latentSpace, latentScale, autoencoder)
        (self.precision, self.side, self.fit, self.shape) = (precision, side, fit, shape)
        (self.hasLogVariance, self.isMirrored) = (hasLogVariance, isMirrored)
        (self.classNames, self.source, self.shardSize) = (classNames, source, shardSize)
    }

    // MARK: Shards

    /// Values of one picture's latents.
    public var valueCount: Int { shape.reduce(1, *) }

    public var shardCount: Int { source.pictures / shardSize + (source.pictures % shardSize > 0 ? 1 : 0) }

    /// The data set's pictures that a shard is for.
    public func indices(ofShard number: Int) -> Range<Int> {
        let start = number * shardSize
        return start..<min(start + shardSize, source.pictures)
    }

    public static func shardName(_ number: Int) -> String {
        let digits = String(number)
        return "latents-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".safetensors"
    }

    // MARK: Files

    static func file(_ cache: URL) -> URL { cache.appendingPathComponent("cache.json") }

    /// - Throws: `FileError` or `ECARError` where there is no valid manifest.
    static func read(_ cache: URL) throws -> LatentCacheManifest {
        let url = file(cache)
        guard let data = try? Data(contentsOf: url) else {
            throw FileError(cache.path, "is no latent cache", remedy: "Make one with `ecar encode`")
        }
        let manifest = try StrictJSON.decode(LatentCacheManifest.self, from: data, name: url.path)
        do throws(ECARError) {
            try manifest.validate()
        } catch {
            throw FileError(url.path, "is not a valid manifest of a latent cache: \(error)")
        }
        return manifest
    }

    func write(_ cache: URL) throws {
        try writeAtomically(StrictJSON.encode(self), to: Self.file(cache))
    }
}
