import ECAR
import ECARAutoencoder
import Files
import Foundation
import Testing

/// A cache that was begun is finished as if nobody had stopped, or not touched at all.
@Suite struct LatentCacheResumeTests {
    private let folder: TemporaryFolder
    private let maker = CacheMaker()

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func aCancelledCacheGoesOnToTheSameBytes() throws {
        var maker = maker
        maker.pictures.damaged = [2, 9, 10]
        try maker.make(folder["whole"])
        let whole = try contents(folder["whole"])
        #expect(
            whole.keys.sorted() == ["cache.json"] + (0..<3).map { "latents-0000\($0).safetensors" })

        // Stopped at every batch once; each time at least one shard is there at last.
        for stop in 1...9 {
            let cache = folder["stopped\(stop)"]
            var batches = 0
            let outcome = try maker.make(cache, isCancelled: { batches == stop }, report: { _ in batches += 1 })
            #expect(outcome == (stop == 9 ? .finished : .cancelled))
            if outcome == .cancelled { #expect(throws: FileError.self) { try LatentCache(cache) } }
            try Data("half".utf8).write(to: cache.appendingPathComponent(".latents-00002.safetensors.1.tmp"))
            try Data("half".utf8).write(to: cache.appendingPathComponent(".cache.json.1.tmp"))

            var reports: [Int] = []
            #expect(try maker.make(cache, report: { reports.append($0.pictures) }) == .finished)
            #expect(reports.count == 9 - stop / 3 * 3, "whole shards are not made again")
            #expect(stop == 9 || reports.last == 23)
            #expect(try contents(cache) == whole)
        }
    }

    @Test(arguments: ["missing", "cut short", "nonsense"]) func aDamagedShardIsMadeAgain(_ damage: String) throws {
        let cache = folder["cache"]
        try maker.make(cache)
        let whole = try contents(cache)
        let shard = cache.appendingPathComponent("latents-00001.safetensors")
        switch damage {
        case "missing": try FileManager.default.removeItem(at: shard)
        case "cut short": try Data(contentsOf: shard).dropLast().write(to: shard)
        default: try Data("nonsense".utf8).write(to: shard)
        }
        let error = #expect(throws: FileError.self) { try LatentCache(cache) }
        #expect(error?.file.hasSuffix("latents-00001.safetensors") == true)
        var reports = 0
        #expect(try maker.make(cache, report: { _ in reports += 1 }) == .finished)
        #expect(reports == 3)
        #expect(try contents(cache) == whole)
    }

    struct Change: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let apply: @Sendable (inout CacheMaker) -> Void
    }

    static let changes = [
        Change(testDescription: "autoencoder") { $0.autoencoder.identity = "fake-2" },
        Change(testDescription: "precision") { $0.settings.precision = .bf16 },
        Change(testDescription: "side") { $0.settings.side = 24 },
        Change(testDescription: "fit") { $0.settings.fit = .pad },
        Change(testDescription: "isMirrored") { $0.settings.isMirrored = false },
        Change(testDescription: "hasLogVariance") { $0.settings.keepsLogVariance = false },
        Change(testDescription: "shardSize") { $0.settings.shardSize = 9 },
        Change(testDescription: "source.name") { $0.source.name = "others" },
        Change(testDescription: "source.split") { $0.source.split = "test" },
        Change(testDescription: "source.pictures") { $0.pictures.count = 22 },
        Change(testDescription: "classNames") { $0.pictures.classNames = ["a", "x", "c"] },
    ]

    @Test(arguments: changes) func otherSettingsAreNamed(_ change: Change) throws {
        let cache = folder["cache"]
        var batches = 0
        _ = try maker.make(cache, isCancelled: { batches == 4 }, report: { _ in batches += 1 })
        let before = try contents(cache)
        var other = maker
        change.apply(&other)
        let error = #expect(throws: FileError.self) { try other.make(cache) }
        #expect(error?.cause.contains("another \"\(change.testDescription)\"") == true, "\(String(describing: error))")
        #expect(try contents(cache) == before)
        // What decides nothing may change.
        var same = maker
        (same.settings.threads, same.settings.isStrict) = (1, true)
        #expect(try same.make(cache) == .finished)
    }

    @Test func otherLabelsAreNoticed() throws {
        let cache = folder["cache"]
        var batches = 0
        _ = try maker.make(cache, isCancelled: { batches == 7 }, report: { _ in batches += 1 })
        var other = maker
        other.pictures = FakePictures(swapped: true)
        let error = #expect(throws: FileError.self) { try other.make(cache) }
        #expect(error?.cause.contains("other labels") == true)
    }

    @Test func aFolderIsNotSharedNorTakenFromOthers() throws {
        let encoder = try maker.encoder()
        let writer = try encoder.open(folder["cache"])
        let busy = #expect(throws: FileError.self) { try encoder.open(folder["cache"]) }
        #expect(busy?.cause == "is being written by another process")
        withExtendedLifetime(writer) {}

        let other = folder["other"]
        try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
        try Data("mine".utf8).write(to: other.appendingPathComponent("letter.txt"))
        let full = #expect(throws: FileError.self) { try encoder.open(other) }
        #expect(full?.cause.contains("not empty (letter.txt)") == true)
        #expect(try contents(other).count == 1)
        let file = #expect(throws: FileError.self) { try encoder.open(other.appendingPathComponent("letter.txt")) }
        #expect(file?.cause == "is a file")
        #expect(throws: FileError.self) { try encoder.open(URL(fileURLWithPath: "/proc/nowhere/cache")) }
    }
}
