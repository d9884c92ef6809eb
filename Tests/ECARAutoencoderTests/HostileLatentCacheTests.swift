import ECARAutoencoder
import ECARImages
import Files
import Foundation
import Testing
import Torch

/// Caches that were tampered with are refused when they are opened, or when the latents are read; nothing traps.
@Suite struct HostileLatentCacheTests {
    private let folder: TemporaryFolder
    private let cache: URL
    private let shard: URL

    init() throws {
        folder = try TemporaryFolder()
        cache = folder["cache"]
        shard = cache.appendingPathComponent("latents-00001.safetensors")
        try CacheMaker().make(cache)
    }

    /// Opens the cache and reads everything.
    private func readAll() throws {
        let cache = try LatentCache(cache)
        for index in 0..<cache.count {
            _ = cache.classNames[cache.label(index)]
            _ = try cache.posterior([(index, cache.manifest.isMirrored)])
        }
    }

    private func expectRefusal(_ text: String) {
        do {
            try readAll()
            Issue.record("the cache should have been refused")
        } catch {
            #expect("\(error)".contains(text), "\(error)")
        }
    }

    @Test(arguments: [
        (#""side" : 16"#, #""side" : 17"#, "side"),
        (#""side" : 16"#, #""side" : 160"#, "shape"),
        (#""side" : 16"#, #""side" : 9223372036854775800"#, "side"),
        (#""side" : 16"#, #""side" : 1e300"#, "does not fit"),
        (#""shardSize" : 8"#, #""shardSize" : 0"#, "shardSize"),
        (#""shardSize" : 8"#, #""shardSize" : -9223372036854775808"#, "shardSize"),
        (#""shardSize" : 8"#, #""shardSize" : 9"#, "latents-00002.safetensors cannot hold 7"),
        (#""pictures" : 23"#, #""pictures" : 24"#, "24"),
        (#""pictures" : 23"#, #""pictures" : 9223372036854775807"#, "pictures"),
        (#""pictures" : 7"#, #""pictures" : -7"#, "pictures"),
        (#""pictures" : 7"#, #""pictures" : 9223372036854775807"#, "pictures"),
        (#""skippedCount" : 0"#, #""skippedCount" : 9223372036854775807"#, "miscounted"),
        (#""skippedCount" : 0"#, #""skippedCount" : -1"#, "miscounted"),
        (#""isComplete" : true"#, #""isComplete" : false"#, "not complete"),
        (#""isMirrored" : true"#, #""isMirrored" : false"#, "holds the tensors"),
        (#""hasLogVariance" : true"#, #""hasLogVariance" : false"#, "holds the tensors"),
        (#""latentScale" : 0.13025"#, #""latentScale" : -1"#, "latentScale"),
        (#""latentSpace" : "sdxl""#, #""latentSpace" : "pixels""#, "shape"),
        (#""latentSpace" : "sdxl""#, #""latentSpace" : "none""#, "latentSpace"),
        (#""fit" : "crop""#, #""fit" : "crop", "extra" : 1"#, "unknown key \"extra\""),
        ("latents-00002.safetensors", "../../etc/passwd", "etc"),
        ("ecar-latent-cache-1", "ecar-latent-cache-2", "format"),
        (#""isComplete" : true"#, #""isComplete" : tru"#, "not valid JSON"),
    ])
    func manifests(_ text: String, _ replacement: String, expected: String) throws {
        let url = cache.appendingPathComponent("cache.json")
        let manifest = try String(contentsOf: url, encoding: .utf8)
        let lied = manifest.replacing(text, with: replacement)
        try #require(lied != manifest)
        try Data(lied.utf8).write(to: url)
        expectRefusal(expected)
    }

    @Test func noClassNames() throws {
        let url = cache.appendingPathComponent("cache.json")
        let manifest = try String(contentsOf: url, encoding: .utf8)
        try Data(manifest.replacing(#/"classNames" : \[[^\]]*\]/#, with: #""classNames" : []"#).utf8).write(to: url)
        expectRefusal("class names")
        try Data(manifest.replacing(#/"classNames" : \[[^\]]*\]/#, with: #""classNames" : ["a"]"#).utf8).write(to: url)
        expectRefusal("a label that is none of the 1 classes")
    }

    struct Lie: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let apply: @Sendable (inout [String: Tensor]) throws -> Void
    }

    static let lies = [
        Lie(testDescription: "a label that is none") { $0["labels"] = try Tensor([0, 0, 0, 0, 0, 0, 0, 3]) },
        Lie(testDescription: "a label that is none") { $0["labels"] = try Tensor([Int.min, 0, 0, 0, 0, 0, 0, 0]) },
        Lie(testDescription: "do not ascend") { $0["indices"] = try Tensor([8, 9, 10, 11, 11, 13, 14, 15]) },
        Lie(testDescription: "do not ascend") { $0["indices"] = try Tensor([8, 9, 10, 11, 12, 13, 14, 16]) },
        Lie(testDescription: "no int64 labels") { $0["labels"] = try $0["labels"]?.to(.float64) },
        Lie(testDescription: "no int64 indices") { $0["indices"] = try Tensor([8]) },
        Lie(testDescription: "no float16 mean") { $0["mean"] = try $0["mean"]?.to(.bfloat16) },
        Lie(testDescription: "no float16 mean") { $0["mean"] = try $0["mean"]?.reshape([8, 2, 4, 2]) },
        Lie(testDescription: "holds the tensors") { $0["mean_mirrored"] = nil },
        Lie(testDescription: "holds the tensors") { $0["more"] = try Tensor([1]) },
        Lie(testDescription: "more than the 8 of a shard") { $0["labels"] = try Tensor([0, 0, 0, 0, 0, 0, 0, 0, 0]) },
        Lie(testDescription: "not finite") {
            $0["mean_mirrored"] = try ($0["mean_mirrored"]?.to(.float32) ?? .zeros([1])) * .nan
        },
        Lie(testDescription: "not finite") {
            $0["log_variance_mirrored"] = try ($0["mean"]?.zerosLike() ?? .zeros([1])) + .infinity
        },
        Lie(testDescription: "7 pictures, and 8 by the manifest") { tensors in
            tensors = try tensors.mapValues { try $0.narrow(0, start: 0, length: 7) }
        },
    ]

    @Test(arguments: lies) func shards(_ lie: Lie) throws {
        var tensors = try SafeTensors.read(shard).tensors
        try lie.apply(&tensors)
        for (name, tensor) in tensors where name.hasPrefix("mean_m") || name.hasPrefix("log") {
            tensors[name] = try tensor.to(.float16)
        }
        try SafeTensors.write(tensors.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, to: shard)
        expectRefusal(lie.testDescription)
    }

    @Test func aShardCutShortIsRefusedAtEveryLength() throws {
        let data = try Data(contentsOf: shard)
        for length in stride(from: 0, to: data.count, by: 7) {
            try data.prefix(length).write(to: shard)
            expectRefusal("latents-00001.safetensors")
        }
    }

    /// A header of an odd length leaves nothing aligned.
    @Test func unalignedShardsAreRead() throws {
        let plain = try LatentCache(cache).posterior([(8, true), (15, false)]).mean.floats()
        var data = try Data(contentsOf: shard)
        let length = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        data.insert(UInt8(ascii: " "), at: 8 + Int(length))
        data.replaceSubrange(0..<8, with: withUnsafeBytes(of: (length + 1).littleEndian) { Data($0) })
        try data.write(to: shard)
        #expect(try LatentCache(cache).posterior([(8, true), (15, false)]).mean.floats() == plain)
    }

    /// Each mutant of the two files is read or refused, none traps.
    @Test func mutatedFilesNeverTrap() throws {
        var generator = SplitMix64(seed: 1)
        var refused = 0
        for url in [cache.appendingPathComponent("cache.json"), shard] {
            let original = [UInt8](try Data(contentsOf: url))
            for _ in 0..<250 {
                var bytes = original
                for _ in 0...generator.below(4) {
                    let place = generator.below(bytes.count)
                    switch generator.below(3) {
                    case 0: bytes[place] = UInt8(generator.below(256))
                    case 1: bytes.insert(UInt8(ascii: "0") + UInt8(generator.below(10)), at: place)
                    default: bytes.remove(at: place)
                    }
                }
                try Data(bytes).write(to: url)
                do { try readAll() } catch { refused += 1 }
            }
            try Data(original).write(to: url)
        }
        #expect(refused > 250)
        try readAll()
    }
}
