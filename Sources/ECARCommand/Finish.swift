import ArgumentParser
import ECAR
import ECARPictures
import Foundation
import Torch

struct Finish: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Finish drafts that were made by `ecar sample --draft`.",
        discussion: """
            The first stage stays as it was drafted; what a draft becomes is what `ecar sample` makes of its class and \
            seed. With --vary, every draft becomes several images of the same composition and other details: \
            the first has the draft's own noise, the others have new noise in the later stages.

              ecar sample --class sunflower --draft 64
              ecar finish drafts.png --pick 3,7-9
              ecar finish drafts.png --pick 7 --vary 8 --steps 80 --output sunflowers/
            """)

    @Argument(
        help: ArgumentHelp(
            "A contact sheet, with the .safetensors file still beside it, or that file.",
            valueName: "drafts.png|drafts.safetensors"))
    var drafts: String

    @Option(
        name: .customLong("pick"),
        help: ArgumentHelp("Drafts to finish, by number; repeatable. (default: all)", valueName: "3|3,7|2-5"))
    var picks: [PickOption] = []

    @Option(help: ArgumentHelp("Variations of each draft.", valueName: "n"))
    var vary = 1

    @Option(help: ArgumentHelp("The name or folder of the model that made the drafts.", valueName: "name|dir"))
    var model = "default"

    @OptionGroup var decoder: AutoencoderOptions
    @OptionGroup var finishing: FinishingOptions

    @Option(help: ArgumentHelp("A picture, a folder of pictures, or arrays.", valueName: "grid.png|dir/|set.npz"))
    var output = "finished.png"

    @Flag(help: "Also show each stage's picture.")
    var stages = false

    @OptionGroup var compute: ComputeOptions
    @OptionGroup var display: OutputOptions

    private static let mostVariations = 1000
    private static let mostImages = 1_000_000

    func validate() throws {
        guard (1...Self.mostVariations).contains(vary) else {
            throw ValidationError("--vary must be 1…\(Self.mostVariations), not \(vary)")
        }
    }

    func run() throws {
        Interrupt.install()
        let start = ContinuousClock.now
        let file = try DraftFile.read(URL(fileURLWithPath: drafts))
        let settings = try finishing.settings(after: file.metadata.settings)
        let places = try PickOption.places(picks, of: file.metadata.requests.count)
        guard places.count * vary <= Self.mostImages else {
            throw CommandError.usage(
                "--vary \(vary): that many of \(places.count) drafts are more than \(Self.mostImages) images")
        }
        let precision = finishing.precision ?? file.metadata.precision

        let device = try compute.prepare(for: precision)
        let folder = try ModelLocator.model(model)
        let directory = try PreparedDirectory(folder, device: device, precision: precision)
        try file.metadata.check(madeBy: directory, called: model, file: drafts)
        try file.check(directory.description)
        let autoencoder = try decoder.open(for: directory.description, in: folder, device: device)
        let shown: StageChoice = stages ? .every : .finished
        let maker = try ImageMaker(
            directory, autoencoder: autoencoder, settings: settings, batch: finishing.batch, shown: shown)
        let stagesKept = file.draft.stages.count
        let run = SampleRun(
            maker: maker,
            requests: places.flatMap { place in
                (0..<UInt64(vary)).map { file.metadata.requests[place].varied($0, stagesKept: stagesKept) }
            },
            draft: try file.draft.picking(places.flatMap { Array(repeating: $0, count: vary) }), shown: shown,
            metadata: maker.metadata.continuing(file.metadata), start: start, loaded: .now)
        try run.write(to: output, display)
    }
}
