import ArgumentParser
import Crypto
import ECAR
import ECARImages
import ECARPictures
import Foundation
import Torch
import TorchNN

struct Sample: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make images.",
        discussion: """
            Without --class, one image of each of the first classes. Each PNG carries the text chunk `ecar`, from which \
            `ecar replay` makes it again. With --json, each image comes with the SHA-256 of the file that it \
            is in.

              ecar sample --class sneaker --class bag --count 8 --output samples.png
              ecar sample --class 7 --seed 3 --steps 24 --guidance 2 --output sneaker.png
            """)

    @Option(help: ArgumentHelp("A model's name or folder.", valueName: "name|dir"))
    var model = "default"

    @OptionGroup var decoder: AutoencoderOptions

    @Option(
        name: .customLong("class"), help: ArgumentHelp("A class: number, name or its beginning.", valueName: "i|name"))
    var classes: [String] = []

    @Option(help: ArgumentHelp("Images of each class, with seeds S, S+1, …", valueName: "n"))
    var count = 1

    @OptionGroup var sampling: SamplingOptions

    @Option(help: ArgumentHelp("A picture, a folder of pictures, or arrays.", valueName: "grid.png|dir/|set.npz"))
    var output = "samples.png"

    @Flag(help: "Also show each stage's picture.")
    var stages = false

    @OptionGroup var compute: ComputeOptions
    @OptionGroup var display: OutputOptions

    private struct Report: Encodable {
        struct Item: Encodable {
            let path: String
            let `class`: Int
            let className: String
            let seed: UInt64
            let sha256: String
        }
        struct Seconds: Encodable {
            let load, total: Double
            let stages: [Double]
        }
        let images: [Item]
        let seconds: Seconds
    }

    private static let mostClasses = 16

    func validate() throws {
        guard (1...1_000_000).contains(count) else { throw ValidationError("--count must be 1…1000000, not \(count)") }
        try sampling.checkSeeds(count)
    }

    func run() throws {
        Interrupt.install()
        let clock = ContinuousClock()
        let start = clock.now
        let device = try compute.prepare(for: sampling.precision)
        let folder = try ModelLocator.model(model)
        let description = try ModelDirectory.readDescription(folder)
        let settings = try sampling.settings(for: description)
        let requests = try requests(ClassNames(description.classNames))

        let autoencoder = try decoder.open(for: description, in: folder, device: device)
        let directory = try PreparedDirectory(folder, device: device, precision: sampling.precision)
        let loaded = (clock.now - start) / .seconds(1)
        let plan = OutputPlan(
            requests: requests, showsStages: stages,
            metadata: ImageMetadata(
                model: directory.digest, autoencoder: autoencoder, settings: settings, precision: sampling.precision),
            sides: description.pictureSides, channels: description.pictureChannels)
        var sink = try plan.open(output)
        let maker = try ImageMaker(
            directory, autoencoder: autoencoder, settings: settings, batch: sampling.batch, showsStages: stages)
        let seconds = try maker.make(requests, isQuiet: display.quiet) { try sink.add($0) }
        let paths = try sink.finish()

        guard display.json else {
            for (index, path) in paths.enumerated() where index == 0 || path != paths[index - 1] {
                try Terminal.print(path.path)
            }
            return
        }
        var digests: [URL: String] = [:]
        for path in Set(paths) { digests[path] = SHA256.hash(data: try Data(contentsOf: path)).hexadecimal }
        let items = zip(paths, requests).map { path, request in
            Report.Item(
                path: path.path, class: request.class, className: request.className, seed: request.seed,
                sha256: digests[path] ?? "")
        }
        let total = (clock.now - start) / .seconds(1)
        try Terminal.print(json: Report(images: items, seconds: .init(load: loaded, total: total, stages: seconds)))
    }

    private func requests(_ names: ClassNames) throws -> [ImageRequest] {
        let labels =
            classes.isEmpty
            ? Array(names.names.indices.prefix(Self.mostClasses)) : try classes.map { try label($0, names) }
        return labels.flatMap { label in
            (0..<count).map {
                ImageRequest(class: label, className: names.names[label], seed: sampling.seed + UInt64($0))
            }
        }
    }

    private func label(_ text: String, _ names: ClassNames) throws -> Int {
        do {
            return try names.label(text)
        } catch {
            throw CommandError.usage("--\(error)")
        }
    }
}
