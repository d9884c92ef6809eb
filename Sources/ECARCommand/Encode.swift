import ArgumentParser
import ECARAutoencoder
import ECARImages
import Foundation
import Torch
import TorchNN

extension ImageFit: ExpressibleByArgument {}

struct Encode: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Encode pictures into latents, once, for training on them.",
        discussion: """
            A run that was stopped, even by a power cut, goes on when the same command is given again.

              ecar encode --data imagenet/ --autoencoder sdxl-vae/ --mirror --output imagenet-latents
            """)

    @Option(help: ArgumentHelp("Pictures: class folders, a .tar of them, IDX or CIFAR-10 files.", valueName: "path"))
    var data: String

    @Option(help: ArgumentHelp("SDXL's autoencoder or TAESDXL: safetensors file or folder.", valueName: "file|dir"))
    var autoencoder: String

    @Option(help: ArgumentHelp("The folder of the cache, which is made.", valueName: "cache"))
    var output: String

    @Option(help: ArgumentHelp("The side to which pictures are scaled.", valueName: "pixels"))
    var side = 256

    @Option(help: ArgumentHelp("train, valid or test. (default: train where there are splits)", valueName: "split"))
    var split: String?

    @Option(help: "How pictures become squares: crop or pad.")
    var fit = ImageFit.crop

    @Flag(help: "Encode the mirror images too.")
    var mirror = false

    @Flag(help: "Leave out the variances that SDXL's encoder gives.")
    var meanOnly = false

    @Flag(help: "Stop at a picture that cannot be read, instead of leaving it out.")
    var strict = false

    @Option(help: "The arithmetic of the encoder: f32 or bf16.", transform: Precision.ofOrdinaryLayers)
    var precision = Precision.f32

    @Option(help: ArgumentHelp("Pictures at a time.", valueName: "n"))
    var batch = 16

    @Option(help: ArgumentHelp("Pictures in a file of the cache.", valueName: "n"))
    var shardSize = 4096

    @OptionGroup var compute: ComputeOptions
    @OptionGroup var display: OutputOptions

    private struct Report: Encodable {
        let path: String
        let pictures, skipped, shards, bytes: Int
        let seconds: Double
    }

    func validate() throws {
        guard (1...ECARImages.Image.maximumSide).contains(side) else {
            throw ValidationError("--side must be 1…\(ECARImages.Image.maximumSide), not \(side)")
        }
        guard (1...65_536).contains(batch) else { throw ValidationError("--batch must be 1…65536, not \(batch)") }
        guard (1...1_048_576).contains(shardSize) else {
            throw ValidationError("--shard-size must be 1…1048576, not \(shardSize)")
        }
    }

    func run() throws {
        Interrupt.install()
        let device = try compute.prepare()
        let path = URL(fileURLWithPath: data).standardizedFileURL
        let dataset = try openDataset(path, split: split)
        let network = try openAutoencoder(URL(fileURLWithPath: autoencoder), device: device)
        guard side.isMultiple(of: network.space.reduction) else {
            throw CommandError.usage("--side must be a multiple of \(network.space.reduction), not \(side)")
        }
        Runtime.keepFreedMemory()
        try Interrupt.check()

        var settings = LatentEncoder.Settings(side: side)
        (settings.fit, settings.isMirrored, settings.keepsLogVariance) = (fit, mirror, !meanOnly)
        (settings.precision, settings.batchSize, settings.shardSize) = (precision, batch, shardSize)
        settings.isStrict = strict
        let source = LatentCacheManifest.Source(name: path.lastPathComponent, split: split, pictures: dataset.count)
        let encoder = try LatentEncoder(dataset, source: source, autoencoder: network, settings: settings)
        let writer = try encoder.open(URL(fileURLWithPath: output))
        if writer.missing.isEmpty, writer.manifest.isComplete, !display.quiet {
            Terminal.printError("\(output): already complete")
        }
        try encode(encoder, writer)
    }

    private func encode(_ encoder: LatentEncoder, _ writer: LatentCacheWriter) throws {
        let clock = ContinuousClock()
        let start = clock.now
        let total = writer.manifest.source.pictures
        let bar = ProgressBar(
            "encoding", total: total, first: writer.pictures, unit: "pictures", isQuiet: display.quiet)
        let outcome = try encoder.encode(into: writer, isCancelled: { Interrupt.isRaised }) { progress in
            for failure in progress.failures { Terminal.printError("Skipped: \(failure)") }
            bar.update(progress.pictures)
        }
        bar.finish()
        guard outcome == .finished else {
            throw CommandError(
                message:
                    "interrupted; \(writer.pictures) of \(total) pictures are in \(output), continue with the same "
                    + "command", status: Interrupt.status)
        }
        try report(writer.url, seconds: (clock.now - start) / .seconds(1))
    }

    /// Opens the cache as training will, and says what is in it.
    private func report(_ url: URL, seconds: Double) throws {
        let cache = try LatentCache(url)
        guard display.json else {
            if cache.manifest.skippedCount > 0, !display.quiet {
                Terminal.printError("\(output): \(cache.manifest.skippedCount) pictures were skipped")
            }
            return try Terminal.print(url.path)
        }
        try Terminal.print(
            json: Report(
                path: url.path, pictures: cache.count, skipped: cache.manifest.skippedCount,
                shards: cache.manifest.shardCount, bytes: cache.byteCount, seconds: seconds))
    }
}
