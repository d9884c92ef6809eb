import ECAR
import ECARAutoencoder
import ECARImages
import Foundation
import Testing
import Torch

/// What `ecar encode` promises, tried on the built program with a narrow TAESDXL of random weights.
@Suite struct EncodeCommandTests {
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try Sample.writePictures(folder["pictures"])
        try Self.writeAutoencoder(folder["tiny.safetensors"])
    }

    /// The encoder's half of TAESDXL, as its author names it, 4 channels wide.
    private static func writeAutoencoder(_ url: URL) throws {
        let generator = try Generator(seed: 1)
        var tensors: [(String, Tensor)] = []
        func add(_ name: String, _ shape: [Int]) throws {
            tensors.append((name, try Tensor.randn(shape, generator: generator) * 0.2))
        }
        var module = 0
        for (size, blocks) in [1, 3, 3, 3].enumerated() {
            try add("\(module).weight", [4, size == 0 ? 3 : 4, 3, 3])
            if size == 0 { try add("\(module).bias", [4]) }
            for block in 1...blocks {
                for part in [0, 2, 4] {
                    try add("\(module + block).conv.\(part).weight", [4, 4, 3, 3])
                    try add("\(module + block).conv.\(part).bias", [4])
                }
            }
            module += blocks + 1
        }
        try add("\(module).weight", [4, 4, 3, 3])
        try add("\(module).bias", [4])
        try SafeTensors.write(tensors, to: url)
    }

    private static let settings = [
        "encode", "--data", "pictures", "--autoencoder", "tiny.safetensors", "--side", "32", "--threads", "1",
        "--shard-size", "5", "--batch", "2", "--mirror",
    ]

    private func encode(_ more: [String]) throws -> Program.Result {
        try Program.run(Self.settings + more, in: folder.url)
    }

    private func shards(_ name: String) throws -> [Data] {
        try (0..<3).map { try Data(contentsOf: folder["\(name)/latents-0000\($0).safetensors"]) }
    }

    @Test func aCacheHoldsTheLatentsOfThePictures() throws {
        let result = try encode(["--output", "cache", "--json", "--quiet"])
        #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
        let report = try result.json()
        #expect(report["pictures"] as? Int == 12 && report["skipped"] as? Int == 0 && report["shards"] as? Int == 3)
        #expect(try report["bytes"] as? Int == shards("cache").reduce(0) { $0 + $1.count })
        #expect((report["path"] as? String)?.hasSuffix("/cache") == true)

        let cache = try LatentCache(folder["cache"])
        #expect(cache.classNames == Sample.classNames)
        #expect((0..<12).map(cache.label) == (0..<12).map { $0 / 4 })
        let network = try openAutoencoder(folder["tiny.safetensors"], device: .cpu)
        #expect(cache.manifest.autoencoder == network.identity)
        let dataset = try openDataset(folder["pictures"])
        for (index, isMirrored) in [(0, false), (11, true), (6, false)] {
            let planes = try dataset.image(index).converted(channels: 3).planes.map { Float($0) / 127.5 - 1 }
            var x = try Tensor(planes, shape: [1, 3, 32, 32])
            if isMirrored { x = try x.flip(3) }
            let latents = try network.encode(x).mean.floats()
            let cached = try cache.posterior([(index, isMirrored)]).mean.floats()
            let largest = zip(latents, cached).map { abs($0 - $1) }.max() ?? 1
            #expect(largest <= 1e-3 * (latents.map(abs).max() ?? 0))
        }

        let again = try encode(["--output", "cache"])
        #expect(again.status == 0 && again.errors.contains("already complete"))
        #expect(again.output.hasSuffix("/cache\n"))
    }

    @Test func aProgramKilledAgainAndAgainGivesTheSameBytes() throws {
        #expect(try encode(["--output", "whole", "--quiet"]).status == 0)
        func exists(_ file: String) -> Bool { FileManager.default.fileExists(atPath: folder["killed/\(file)"].path) }
        // Killed as soon as its first file is there, then as soon as its first and second shard are.
        for file in ["cache.json", "latents-00000.safetensors", "latents-00001.safetensors"] {
            let program = try Program(Self.settings + ["--output", "killed"], in: folder.url)
            while program.isRunning, !exists(file) { Thread.sleep(forTimeInterval: 0.0005) }
            program.send(SIGKILL)
            _ = program.wait()
        }
        #expect(try encode(["--output", "killed", "--quiet"]).status == 0)
        #expect(try shards("killed") == shards("whole"))
        #expect(
            try Data(contentsOf: folder["killed/cache.json"]) == Data(contentsOf: folder["whole/cache.json"]))
    }

    @Test func ctrlCSaysHowToGoOn() throws {
        // Enough pictures that the program is still at it.
        for index in 0..<1500 {
            try FileManager.default.copyItem(
                at: folder["pictures/sandal/0.png"], to: folder["pictures/sandal/copy\(index).png"])
        }
        let arguments = Self.settings.map { $0 == "5" ? "300" : $0 } + ["--output", "cache"]
        let program = try Program(arguments, in: folder.url)
        program.waitForErrors(containing: "encoding")
        program.send(SIGINT)
        let result = program.wait()
        #expect(result.status == 130)
        #expect(result.errors.contains("of 1512 pictures are in cache, continue with the same command"))
        let other = try Program.run(arguments + ["--fit", "pad"], in: folder.url)
        #expect(other.status == 1 && other.errors.contains("\"fit\""), "\(other.errors)")
        #expect(try Program.run(arguments + ["--quiet"], in: folder.url).status == 0)
        #expect(try LatentCache(folder["cache"]).count == 1512)
    }

    @Test func damagedPicturesAreSkippedOrStopTheRun() throws {
        try Data("no picture".utf8).write(to: folder["pictures/sandal/2.png"])
        let strict = try encode(["--output", "strict", "--strict"])
        #expect(strict.status == 1)
        #expect(strict.errors.contains("sandal/2.png"), "\(strict.errors)")
        let result = try encode(["--output", "cache", "--json", "--quiet"])
        #expect(result.status == 0)
        #expect(result.errors.split(separator: "\n").count == 1 && result.errors.contains("sandal/2.png"))
        let report = try result.json()
        #expect(report["pictures"] as? Int == 11 && report["skipped"] as? Int == 1)
        let cache = try LatentCache(folder["cache"])
        #expect((0..<11).map(cache.label) == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
        #expect(cache.manifest.skipped.map(\.name) == ["sandal/2.png"])
    }

    @Test(arguments: [
        (["--side", "33"], Int32(64), "--side"),
        (["--side", "0"], 64, "--side"),
        (["--batch", "0"], 64, "--batch"),
        (["--precision", "int8"], 64, "int8"),
        (["--shard-size", "0"], 64, "--shard-size"),
        (["--fit", "stretch"], 64, "--fit"),
        (["--split", "test"], 1, "split"),
        (["--split", "nonsense"], 1, "split"),
        (["--data", "nowhere"], 1, "nowhere"),
        (["--autoencoder", "pictures"], 1, "pictures"),
        (["--output", "tiny.safetensors"], 1, "tiny.safetensors"),
        (["--output", "pictures"], 1, "not empty"),
    ])
    func mistakesAreNamed(_ more: [String], status: Int32, expected: String) throws {
        let before = folder.visibleNames
        let name = more[0]
        var arguments = Self.settings + ["--output", "cache"]
        if let place = arguments.firstIndex(of: name) { arguments.removeSubrange(place...place + 1) }
        let result = try Program.run(arguments + more, in: folder.url)
        #expect(result.status == status)
        #expect(result.errors.contains(expected), "\(result.errors)")
        #expect(result.output.isEmpty)
        #expect(folder.visibleNames == before)
    }
}
