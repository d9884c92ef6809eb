import ArgumentParser
import ECAR
import ECARPictures
import Foundation
import Torch

struct Sample: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make images.",
        discussion: """
            Without --class, one image of each of the first classes. Each PNG carries the text chunk `ecar`, from which \
            `ecar replay` makes it again. With --json, each image comes with the SHA-256 of the file that it \
            is in.

              ecar sample --class sunflower --class rose --count 8 --output samples.png
              ecar sample --class 6 --seed 3 --steps 24 --guidance 2 --output orchid.png

            With --draft, only the first and coarsest stage is made, of many images in the time of a few: a contact \
            sheet of numbered drafts and, beside it, a .safetensors file from which `ecar finish` goes on with those \
            you pick.

              ecar sample --class sunflower --draft 64
              ecar finish drafts.png --pick 3,7 --vary 4
            """)

    @Option(help: ArgumentHelp("A model's name or folder.", valueName: "name|dir"))
    var model = "default"

    @OptionGroup var decoder: AutoencoderOptions

    @Option(
        name: .customLong("class"), help: ArgumentHelp("A class: number, name or its beginning.", valueName: "i|name"))
    var classes: [String] = []

    @Option(
        name: .customLong("count"),
        help: ArgumentHelp("Images of each class, with seeds S, S+1, … (default: 1)", valueName: "n"))
    var givenCount: Int?

    @Option(
        defaultAsFlag: DraftOption.asManyAsCount,
        help: ArgumentHelp("Make drafts to pick from, so many of each class.", valueName: "n"))
    var draft: DraftOption?

    @OptionGroup var sampling: SamplingOptions

    @Option(
        name: .customLong("output"),
        help: ArgumentHelp(
            "A picture, a folder of pictures, or arrays. (default: samples.png, or drafts.png)",
            valueName: "grid.png|dir/|set.npz"))
    var givenOutput: String?

    @Flag(help: "Also show each stage's picture.")
    var stages = false

    @OptionGroup var compute: ComputeOptions
    @OptionGroup var display: OutputOptions

    private static let mostClasses = 16

    private var count: Int { draft?.count ?? givenCount ?? 1 }
    private var output: String { givenOutput ?? (draft == nil ? "samples.png" : "drafts.png") }
    private var shown: StageChoice { draft != nil ? .drafts : stages ? .every : .finished }

    func validate() throws {
        let option = draft?.count == nil ? "--count" : "--draft"
        guard (1...1_000_000).contains(count) else {
            throw ValidationError("\(option) must be 1…1000000, not \(count)")
        }
        guard givenCount == nil || draft?.count == nil else {
            throw ValidationError("--draft \(count) says how many there will be of each class; leave out --count")
        }
        guard !stages || draft == nil else {
            throw ValidationError("--draft makes the first stage only; leave out --stages")
        }
        try sampling.checkSeeds(count)
    }

    func run() throws {
        Interrupt.install()
        let start = ContinuousClock.now
        let device = try compute.prepare(for: sampling.precision)
        let folder = try ModelLocator.model(model)
        let description = try ModelDirectory.readDescription(folder)
        let settings = try sampling.settings(for: description)
        let requests = try requests(description)

        let autoencoder = try decoder.open(for: description, in: folder, device: device)
        let directory = try PreparedDirectory(folder, device: device, precision: sampling.precision)
        let maker = try ImageMaker(
            directory, autoencoder: autoencoder, settings: settings, batch: sampling.batch, shown: shown)
        let run = SampleRun(
            maker: maker, requests: requests, shown: shown, metadata: maker.metadata, start: start, loaded: .now)
        try run.write(to: output, display)
    }

    private func requests(_ description: ModelDescription) throws -> [ImageRequest] {
        let names = ClassNames(description.classNames)
        let labels =
            classes.isEmpty
            ? Array(names.names.indices.prefix(Self.mostClasses)) : try classes.map { try label($0, names) }
        if draft != nil { try checkDrafts(labels.count, description) }
        return labels.enumerated().flatMap { run, label in
            (0..<count).map { index in
                ImageRequest(
                    class: label, className: names.names[label], seed: sampling.seed + UInt64(index),
                    draft: draft.map { _ in run * count + index + 1 })
            }
        }
    }

    private func checkDrafts(_ classes: Int, _ description: ModelDescription) throws {
        guard description.architecture.stages > 1 else {
            throw CommandError.usage("--draft: the model has one stage only, after which its images are finished")
        }
        guard classes * count <= DraftFile.mostDrafts else {
            throw CommandError.usage(
                "--draft: \(classes * count) drafts are too many for a contact sheet; at most \(DraftFile.mostDrafts)")
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
