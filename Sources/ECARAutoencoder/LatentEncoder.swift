import ECAR
import ECARImages
import Files
import Foundation
import Torch
import TorchNN

/// Encodes a data set's pictures into a latent cache.
///
/// Pictures are read on background threads, a few batches ahead, and no more than one shard's latents are held, so that the
/// memory in use does not depend on the size of the data set.
public struct LatentEncoder: Sendable {
    /// What decides the latents, and how they are made.
    public struct Settings: Sendable {
        /// The side of the square pictures, in pixels.
        public var side: Int
        public var fit = ImageFit.crop
        /// Whether the mirror images are encoded too.
        public var isMirrored = false
        /// Whether the encoder's log-variances are kept, where it gives them.
        public var keepsLogVariance = true
        /// The arithmetic of the encoder's convolutions.
        public var precision = Precision.f32
        /// Pictures that are encoded together.
        public var batchSize = 16
        /// Pictures of a file.
        public var shardSize = 4096
        /// Whether a picture that cannot be read is an error, instead of being left out.
        public var isStrict = false
        /// Threads that read pictures.
        public var threads = 2

        public init(side: Int) {
            self.side = side
        }
    }

    /// How far the work is.
    public struct Progress {
        /// Pictures done or skipped, those of earlier runs included.
        public let pictures: Int
        /// The pictures that could not be read since the last report.
        public let failures: [FileError]
    }

    public enum Outcome: Sendable {
        case finished, cancelled
    }

    /// Pictures are encoded in colour.
    private static let channels = 3

    private let dataset: any ImageDataset
    private let autoencoder: any Autoencoder
    private let settings: Settings
    /// What the cache's manifest says before any shard is there.
    public let manifest: LatentCacheManifest

    /// Tries the encoder on a blank picture, which tells the shape of its latents.
    ///
    /// - Parameter source: what the manifest says of the data set.
    /// - Throws: `ECARError` for a value out of range; `TorchError` where the encoder fails.
    public init(
        _ dataset: any ImageDataset, source: LatentCacheManifest.Source, autoencoder: any Autoencoder,
        settings: Settings
    ) throws {
        guard (1...Image.maximumSide).contains(settings.side), (1...65_536).contains(settings.batchSize),
            settings.side.isMultiple(of: autoencoder.space.reduction)
        else {
            throw ECARError(
                "the side must be a multiple of \(autoencoder.space.reduction) up to \(Image.maximumSide), and the batch "
                    + "1…65536, not \(settings.side) and \(settings.batchSize)")
        }
        let blank = try Tensor.zeros(
            [1, Self.channels, settings.side, settings.side], dtype: .uint8, device: autoencoder.device)
        let scale = autoencoder.space.usualScale
        let posterior = try Runtime.inference { try autoencoder.posterior(blank, latentScale: scale) }
        manifest = LatentCacheManifest(
            latentSpace: autoencoder.space, latentScale: scale, autoencoder: autoencoder.identity,
            precision: settings.precision, side: settings.side, fit: settings.fit,
            shape: Array(posterior.mean.shape.dropFirst()),
            hasLogVariance: settings.keepsLogVariance && posterior.logVariance != nil, isMirrored: settings.isMirrored,
            classNames: dataset.classNames, source: source, shardSize: settings.shardSize)
        try manifest.validate()
        (self.dataset, self.autoencoder, self.settings) = (dataset, autoencoder, settings)
    }

    /// Opens the cache to write to.
    ///
    /// - Throws: As ``LatentCacheWriter/init(_:_:dataset:)``.
    public func open(_ url: URL) throws -> LatentCacheWriter {
        try LatentCacheWriter(url, manifest, dataset: dataset)
    }

    /// Makes the shards that are missing, in the data set's order. Cancelling loses the shard being made.
    ///
    /// - Throws: `FileError` where a file cannot be written, latents are not finite, or, in strict mode, a picture cannot be
    ///   read; `TorchError` where the encoder fails.
    public func encode(
        into writer: LatentCacheWriter, isCancelled: () -> Bool = { false },
        report: (Progress) throws -> Void = { _ in }
    ) throws -> Outcome {
        let work = writer.missing.map { (shard: $0, ranges: batches(of: $0)) }
        let stream = try PictureStream(
            dataset: dataset, ranges: work.flatMap(\.ranges), side: settings.side, channels: Self.channels,
            fit: settings.fit, threads: settings.threads)
        var done = writer.pictures
        for (shard, ranges) in work {
            var content = ShardContent(manifest)
            for range in ranges {
                guard !isCancelled() else { return .cancelled }
                guard let run = stream.next() else { throw FileError(dataset.name, "gave too few pictures") }
                if settings.isStrict, let failure = run.failures.first { throw failure.error }
                if !run.indices.isEmpty { content.latents.append(try latents(of: run)) }
                content.indices += run.indices
                content.labels += run.labels
                content.skipped += run.failures.map { .init($0.index, $0.error, in: dataset) }
                done += range.count
                try report(Progress(pictures: done, failures: run.failures.map(\.error)))
            }
            try content.write(shard, to: writer)
        }
        try writer.finish()
        return .finished
    }

    private func batches(of shard: Int) -> [Range<Int>] {
        let indices = manifest.indices(ofShard: shard)
        return stride(from: indices.lowerBound, to: indices.upperBound, by: settings.batchSize).map {
            $0..<min($0 + settings.batchSize, indices.upperBound)
        }
    }

    /// The latents (B, C, h, w) of a run of pictures, in float16 on the CPU, in the order of `LatentShard.Latents`.
    private func latents(of run: PictureRun) throws -> [Tensor] {
        try Runtime.inference {
            let rows = try Tensor(
                bytes: run.pixels, shape: [run.indices.count, settings.side, settings.side, Self.channels],
                dtype: .uint8, device: autoencoder.device)  // (B, H, W, P)
            // Channels stay innermost in memory, where convolutions on the CPU are faster.
            let pictures = try rows.permute([0, 3, 1, 2])  // (B, P, H, W)
            var latents: [Tensor] = []
            for view in manifest.isMirrored ? [pictures, try pictures.flip(3)] : [pictures] {
                let posterior = try settings.precision.run(on: autoencoder.device) {
                    try autoencoder.posterior(view, latentScale: manifest.latentScale)
                }
                latents.append(posterior.mean)
                if manifest.hasLogVariance, let logVariance = posterior.logVariance { latents.append(logVariance) }
            }
            return try latents.map { try half($0, of: run) }
        }
    }

    private func half(_ latents: Tensor, of run: PictureRun) throws -> Tensor {
        let half = try latents.to(.float16, .cpu)
        guard try half.isFinite() else {
            let (first, last) = (run.indices.first ?? 0, run.indices.last ?? 0)
            throw FileError(
                "the autoencoder \(autoencoder.identity)",
                "gives latents that are not finite for one of the pictures \(first)…\(last) of \(dataset.name)")
        }
        return half
    }
}

/// What a shard will hold.
private struct ShardContent {
    let manifest: LatentCacheManifest
    var latents: [[Tensor]] = []  // per batch, then per kind: (B, C, h, w)
    var indices: [Int] = []
    var labels: [Int] = []
    var skipped: [LatentCacheManifest.Skipped] = []

    init(_ manifest: LatentCacheManifest) {
        self.manifest = manifest
    }

    func write(_ number: Int, to writer: LatentCacheWriter) throws {
        let empty = try Tensor.zeros([0] + manifest.shape, dtype: .float16)
        let whole = try LatentShard.Latents.all(of: manifest).indices.map { kind in
            latents.isEmpty ? empty : try Tensor.cat(latents.map { $0[kind] }, 0)  // (n, C, h, w)
        }
        try writer.write(number, latents: whole, indices: indices, labels: labels, skipped: skipped)
    }
}

extension LatentCacheManifest.Skipped {
    /// - Parameter dataset: whose own name is left out of the picture's.
    fileprivate init(_ index: Int, _ error: FileError, in dataset: any ImageDataset) {
        let prefix = dataset.name + "/"
        let name = error.file.hasPrefix(prefix) ? String(error.file.dropFirst(prefix.count)) : error.file
        self.init(index: index, name: name, reason: error.cause)
    }
}
