import ECAR
import ECARAutoencoder
import ECARTraining
import Foundation
import Testing

/// From pictures to pictures through SDXL's latent space, tried on the built program with a narrow TAESDXL of random weights.
@Suite struct LatentTrainingTests {
    private let folder: TestFolder
    private static let autoencoder =
        Sample.root.appendingPathComponent("Tests/ECARAutoencoderTests/Fixtures/tiny").path
    private static let changes = [
        "latentSpace=\"sdxl\"", "model.channels=4", "model.sides=[1,2,4]", "model.patches=[1,1,2]", "data.fit=crop",
        "data.flip=true",
    ]

    init() throws {
        folder = try TestFolder()
        try Sample.writePictures(folder["pictures"])
        try StrictJSON.encode(try Sample.configuration(Self.changes)).write(to: folder["config.json"])
    }

    private func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Program.Result {
        try Program.run(arguments, in: folder.url, environment: environment)
    }

    private func encode(_ more: [String] = []) throws {
        let result = try run(
            [
                "encode", "--data", "pictures", "--autoencoder", Self.autoencoder, "--side", "32", "--output",
                "latents",
                "--threads", "1", "--quiet",
            ] + more)
        #expect(result.status == 0, "\(result.errors)")
    }

    private func train(_ run: String, _ more: [String]) throws -> Program.Result {
        try self.run(
            ["train", "--config", "config.json", "--output", run, "--threads", "1", "--set", "steps=3", "--quiet"]
                + more)
    }

    @Test func aModelOfLatentsSamplesThroughAnAutoencoder() throws {
        try encode(["--mirror"])
        let result = try train("run", ["--data", "latents", "--autoencoder", Self.autoencoder])
        #expect(result.status == 0, "\(result.errors)")
        #expect(FileManager.default.fileExists(atPath: folder["run/samples/00000003.png"].path))
        let description = try ModelDirectory.readDescription(folder["run/model"])
        #expect(description.latentSpace == .sdxl && description.latentScale == 0.13025)

        let sample = ["sample", "--model", "run", "--class", "sandal", "--quiet", "--threads", "1"]
        let without = try run(sample + ["--output", "none.png"])
        #expect(without.status == 1 && without.errors.contains("--autoencoder"), "\(without.errors)")
        let named = try run(sample + ["--output", "a.png", "--autoencoder", Self.autoencoder])
        #expect(named.status == 0, "\(named.errors)")
        let set = try run(sample + ["--output", "b.png"], environment: ["ECAR_AUTOENCODER": Self.autoencoder])
        #expect(set.status == 0, "\(set.errors)")
        try FileManager.default.createSymbolicLink(
            atPath: folder["run/model/autoencoder"].path, withDestinationPath: Self.autoencoder)
        #expect(try run(sample + ["--output", "c.png"]).status == 0)
        let pictures = try ["a", "b", "c"].map { try Data(contentsOf: folder["\($0).png"]) }
        #expect(pictures[0] == pictures[1] && pictures[1] == pictures[2])
        let replay = try run(["replay", "a.png", "--model", "run", "--threads", "1", "--quiet"])
        #expect(replay.output.contains("identical"), "\(replay.errors)")
    }

    /// A cache gives what its pictures would, to the rounding of its float16.
    @Test func picturesAndTheirCacheTeachTheSame() throws {
        try encode(["--mirror"])
        func losses(_ run: String, _ data: [String]) throws -> [Double] {
            let result = try train(run, data)
            #expect(result.status == 0, "\(result.errors)")
            let log = try String(contentsOf: folder[run].appendingPathComponent("log.jsonl"), encoding: .utf8)
            return try log.split(separator: "\n").flatMap {
                try JSONDecoder().decode(LogEntry.self, from: Data($0.utf8)).losses
            }
        }
        let cached = try losses("cached", ["--data", "latents"])
        let encoded = try losses("encoded", ["--data", "pictures", "--autoencoder", Self.autoencoder])
        #expect(cached.count == 9 && encoded.count == 9)
        for (a, b) in zip(cached, encoded) { #expect(abs(a - b) < 1e-3 * b) }
    }

    @Test(arguments: [
        (["--data", "latents", "--set", "data.randomCrop=0.2"], "data.randomCrop needs pictures"),
        (["--data", "latents"], "no mirror images"),
        (["--data", "latents", "--set", "data.flip=false", "--set", "model.sides=[2,4,8]"], "of the shape [4, 4, 4]"),
        (["--data", "pictures"], "--autoencoder"),
        (["--data", "pictures", "--autoencoder", "config.json"], "config.json"),
    ])
    func whatDoesNotFitIsSaid(arguments: [String], expected: String) throws {
        try encode()
        let result = try train("run", arguments)
        #expect(result.status == 1)
        #expect(result.errors.contains(expected), "\(result.errors)")
    }
}
