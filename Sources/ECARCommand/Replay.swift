import ArgumentParser
import ECAR
import ECARAutoencoder
import ECARImages
import ECARPictures
import Foundation
import Torch

struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make an image again from its own metadata, and compare.",
        discussion: """
            Seed, settings and precision are the image's own. Succeeds where no pixel differs by more than 1 of 255, which is what rounding may do on another device or \
            in another batch.
            """)

    @Argument(help: ArgumentHelp("A PNG made by `ecar sample` or `ecar finish`.", valueName: "image"))
    var image: String

    @Option(help: ArgumentHelp("The name or folder of the model that made it.", valueName: "name|dir"))
    var model = "default"

    @Option(help: ArgumentHelp("Images at a time.", valueName: "n"))
    var batch = 32

    @OptionGroup var decoder: AutoencoderOptions
    @OptionGroup var compute: ComputeOptions
    @OptionGroup var display: OutputOptions

    private static let tolerance = 1

    private struct Report: Encodable {
        let path: String
        let identical: Bool
        /// Of 255.
        let largestDifference: Int
        let differingValues: Int
    }

    func validate() throws {
        guard (1...65_536).contains(batch) else { throw ValidationError("--batch must be 1…65536, not \(batch)") }
    }

    func run() throws {
        Interrupt.install()
        let url = URL(fileURLWithPath: image)
        let metadata = try ImageMetadata.read(url)
        let original = try Image.read(url)
        let device = try compute.prepare(for: metadata.precision)
        let folder = try ModelLocator.model(model)
        let directory = try PreparedDirectory(folder, device: device, precision: metadata.precision)
        try metadata.check(madeBy: directory, called: model, file: image)

        let description = directory.description
        let shown = try shown(metadata, description)
        let sheet = metadata.images.map { ImageSheet(requests: $0, shown: shown) }
        let autoencoder = try decoder.open(for: description, in: folder, device: device)
        try metadata.check(decodedBy: autoencoder, file: image)
        if let sheet {
            // Before any work: the metadata of a picture of another size are not its own.
            try checkSize(original, sheet.blank(sides: description.pictureSides, channels: description.pictureChannels))
        }
        let maker = try ImageMaker(
            directory, autoencoder: autoencoder, settings: metadata.settings, batch: batch, shown: shown)
        var made: [MadeImage] = []
        _ = try maker.make(
            metadata.requests, continuing: draft(metadata, folder, autoencoder), isQuiet: display.quiet
        ) { made.append($0) }
        try compare(original, try sheet?.render(made.map(\.stages)) ?? made[0].image)
    }

    /// What the picture shows, where the model can have made it.
    private func shown(_ metadata: ImageMetadata, _ model: ModelDescription) throws -> StageChoice {
        do {
            try metadata.check(classNames: model.classNames)
            return try metadata.shown(of: model.architecture.stages)
        } catch {
            throw CommandError.failure("\(image): \(error)")
        }
    }

    /// The first stage, where it was made apart from the later ones.
    private func draft(_ metadata: ImageMetadata, _ folder: URL, _ autoencoder: any Autoencoder) throws -> Draft? {
        guard let precision = metadata.firstStage?.precision else { return nil }
        let directory = try PreparedDirectory(
            folder, device: try compute.prepare(for: precision), precision: precision)
        let maker = try ImageMaker(
            directory, autoencoder: autoencoder, settings: metadata.firstStageSettings, batch: batch, shown: .drafts)
        var latents: [Tensor] = []  // B × (1, C, h, h)
        _ = try maker.make(metadata.requests, isQuiet: display.quiet) { latents.append($0.latents) }
        return Draft(labels: metadata.requests.map(\.class), stages: [try .cat(latents, 0)])
    }

    private func checkSize(_ original: Image, _ again: Image) throws {
        guard (original.width, original.height) == (again.width, again.height) else {
            throw CommandError.failure(
                "\(image): is \(original.width)×\(original.height) pixels, and its metadata make "
                    + "\(again.width)×\(again.height)")
        }
    }

    private func compare(_ original: Image, _ again: Image) throws {
        try checkSize(original, again)
        let channels = max(original.channels, again.channels)
        let (a, b) = (try original.converted(channels: channels), try again.converted(channels: channels))
        let differences = zip(a.pixels, b.pixels).map { abs(Int($0) - Int($1)) }
        let largest = differences.max() ?? 0
        let count = differences.count { $0 > 0 }
        if display.json {
            try Terminal.print(
                json: Report(path: image, identical: largest == 0, largestDifference: largest, differingValues: count))
        } else if largest == 0 {
            try Terminal.print("\(image): identical")
        } else {
            try Terminal.print(
                "\(image): largest difference \(largest) of 255, in \(count) of \(differences.count) values")
        }
        guard largest <= Self.tolerance else {
            throw CommandError.failure("\(image): the image made again differs by up to \(largest) of 255")
        }
    }
}
