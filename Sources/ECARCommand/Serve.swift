import ArgumentParser
import ECAR
import ECARPictures
import ECARServer
import Foundation
import Logging
import TorchNN

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve images to a browser and to programs.",
        discussion: """
            Opens a page where pictures form coarse to fine, an API with events, and the route of OpenAI's images API. \
            /openapi.json describes it. Only this machine can reach it, unless --host says otherwise. Ctrl-C stops it: \
            running jobs get --grace seconds to end.

              ecar serve
              ecar serve --host 0.0.0.0 --api-key-file keys.txt
            """)

    @Option(help: ArgumentHelp("A model's name or folder.", valueName: "name|dir"))
    var model = "default"

    @OptionGroup var decoder: AutoencoderOptions

    @Option(help: "The precision of requests that name none: f32, bf16 or int8.")
    var precision = Precision.f32

    @Option(help: ArgumentHelp("The address to listen at.", valueName: "address"))
    var host = "127.0.0.1"

    @Option(help: ArgumentHelp("The port to listen at; 0 is any that is free.", valueName: "n"))
    var port = 8080

    @Option(
        help: ArgumentHelp(
            "Demand a key, `Authorization: Bearer KEY`; the file has one a line, KEY or NAME:KEY.", valueName: "file"))
    var apiKeyFile: String?

    @Flag(help: "Let everybody in who can reach the address.")
    var noAuth = false

    @Option(help: ArgumentHelp("Images at a time.", valueName: "n"))
    var batch = 32

    @Option(help: ArgumentHelp("Images that may wait; more are turned away.", valueName: "n"))
    var queue = 512

    @Option(help: ArgumentHelp("The most images of a request.", valueName: "n"))
    var maxImages = 64

    @Option(help: ArgumentHelp("The most steps of an image.", valueName: "n"))
    var maxSteps = 1000

    @Option(help: ArgumentHelp("Seconds that a request may take, waiting included.", valueName: "s"))
    var timeLimit = 120.0

    @Option(help: ArgumentHelp("Seconds that running requests get when the server is stopped.", valueName: "s"))
    var grace = 10.0

    @Flag(help: "Log only what goes wrong.")
    var quiet = false

    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port must be 0…65535, not \(port)") }
        for (name, value, range) in [
            ("batch", batch, 1...65_536), ("queue", queue, 1...10_000), ("max-images", maxImages, 1...65_536),
            ("max-steps", maxSteps, 1...100_000),
        ] where !range.contains(value) {
            throw ValidationError("--\(name) must be \(range.lowerBound)…\(range.upperBound), not \(value)")
        }
        guard maxImages <= queue else {
            throw ValidationError("--max-images \(maxImages): more than may wait, which is --queue \(queue)")
        }
        guard (1...86_400).contains(timeLimit) else {
            throw ValidationError("--time-limit must be 1…86400, not \(timeLimit)")
        }
        guard (0...3600).contains(grace) else { throw ValidationError("--grace must be 0…3600, not \(grace)") }
    }

    func run() async throws {
        let configuration = try configuration()
        let device = try compute.prepare(for: precision)
        let folder = try ModelLocator.model(model)
        let description = try ModelDirectory.readDescription(folder)
        let usual = description.sampling.steps.reduce(0, +)
        guard maxSteps >= usual else {
            throw CommandError.usage("--max-steps \(maxSteps): fewer than the \(usual) that the model usually takes")
        }
        var logger = Logger(label: "ecar") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = quiet ? .warning : .info

        let maker = try ModelPictureMaker(
            folder, autoencoder: try decoder.open(for: description, in: folder, device: device), device: device,
            precision: precision)
        let limits = Limits(
            batch: batch, images: maxImages, steps: maxSteps, queuedImages: queue,
            queuedImagesPerClient: max(maxImages, (queue + 1) / 2), timeLimit: .seconds(timeLimit))
        let server = try StudioServer(
            Studio(maker: maker, limits: limits, logger: logger),
            model: ServedModel(
                name: folder.lastPathComponent, digest: maker.digest, description: description,
                precisions: maker.precisions, precision: precision),
            configuration: configuration, logger: logger)
        do {
            try await server.run { url in try? Terminal.print("Listening on \(url)") }
        } catch let error as ServerError {
            throw CommandError.failure(error.message)
        }
    }

    private func configuration() throws -> ServingConfiguration {
        do {
            let keys = try apiKeyFile.map { (file) throws(ServerError) in
                try Authentication(file: URL(fileURLWithPath: file))
            }
            return try ServingConfiguration(
                host: host, port: port, authentication: keys ?? .none, isOpenOnPurpose: noAuth, grace: .seconds(grace))
        } catch {
            throw CommandError.usage(error.message)
        }
    }
}
