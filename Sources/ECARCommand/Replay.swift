import ArgumentParser
import ECAR
import ECARImages
import ECARPictures
import Foundation
import TorchNN

struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make an image again from its own metadata, and compare.",
        discussion: """
            Succeeds where no pixel differs by more than 1 of 255, which is what rounding may do on another device or \
            in another batch.
            """)

    @Argument(help: ArgumentHelp("A PNG made by `ecar sample`.", valueName: "image"))
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
        guard let bytes = try? Data(contentsOf: URL(fileURLWithPath: image)) else {
            throw CommandError.failure("\(image): cannot be read")
        }
        let metadata = try ImageMetadata.read(bytes, name: image)
        let original = try Image.decode(bytes, name: image)
        let device = try compute.prepare(for: metadata.precision)
        let folder = try ModelLocator.model(model)
        let directory = try PreparedDirectory(folder, device: device, precision: metadata.precision)
        guard directory.digest == metadata.model else {
            throw CommandError.failure(
                "\(image): was made by the model \(metadata.model.prefix(12))…, and \(model) is "
                    + "\(directory.digest.prefix(12))…; give the right one with --model")
        }

        let sheet = metadata.images.map { ImageSheet(requests: $0, showsStages: metadata.stages ?? false) }
        let description = directory.description
        let autoencoder = try decoder.open(for: description, in: folder, device: device)
        if let made = metadata.autoencoder, made != autoencoder.identity {
            throw CommandError.failure(
                "\(image): was decoded by \(made), and the autoencoder at hand is \(autoencoder.identity); give the right "
                    + "one with --autoencoder")
        }
        if let sheet {
            // Before any work: the metadata of a picture of another size are not its own.
            try checkSize(original, sheet.blank(sides: description.pictureSides, channels: description.pictureChannels))
        }
        let maker = try ImageMaker(
            directory, autoencoder: autoencoder, settings: metadata.settings, batch: batch,
            showsStages: metadata.stages ?? (metadata.stage != nil))
        var made: [MadeImage] = []
        _ = try maker.make(metadata.requests, isQuiet: display.quiet) { made.append($0) }
        try compare(original, try sheet?.render(made) ?? picture(made[0], stage: metadata.stage))
    }

    /// A single image's picture, or that of one of its stages.
    private func picture(_ made: MadeImage, stage: Int?) throws -> Image {
        guard let stage else { return made.image }
        guard (1...made.stages.count).contains(stage) else {
            throw CommandError.failure("\(image): its metadata name stage \(stage), which the model does not have")
        }
        return made.stages[stage - 1]
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
