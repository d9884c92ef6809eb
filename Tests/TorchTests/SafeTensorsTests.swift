import Files
import Foundation
import Testing
import Torch

@Suite struct SafeTensorsTests {
    /// A small valid file.
    static func sample() throws -> Data {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).safetensors")
        defer { try? FileManager.default.removeItem(at: url) }
        let tensors: [(String, Tensor)] = [
            ("a", try Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])), ("b", try Tensor([7, -8])),
            ("c", try Tensor([0.5], shape: []).to(.bfloat16)), ("empty", try Tensor([], shape: [0, 4])),
        ]
        try SafeTensors.write(tensors, metadata: ["about": "a test"], to: url)
        return try Data(contentsOf: url)
    }

    @Test func roundTrip() throws {
        let file = try SafeTensors.parse(Self.sample(), name: "sample")
        #expect(file.metadata == ["about": "a test"])
        #expect(try file.tensors["a"]?.floats() == [1, 2, 3, 4, 5, 6])
        #expect(file.tensors["a"]?.shape == [2, 3])
        #expect(try file.tensors["b"]?.integers() == [7, -8])
        #expect(file.tensors["c"]?.dtype == .bfloat16)
        #expect(file.tensors["empty"]?.shape == [0, 4])
    }

    @Test func everyTruncationIsAnError() throws {
        let data = try Self.sample()
        for length in 0..<data.count {
            #expect(throws: FileError.self) { try SafeTensors.parse(data.prefix(length), name: "cut") }
        }
    }

    @Test(arguments: [
        ("{}", 4, "belong to no tensor"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 0, "outside the file"),
        (#"{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}"#, 4, "unknown type"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "4 bytes for the shape [2]"),
        (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "impossible shape"),
        (#"{"a":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,4]}}"#, 4, "impossible shape"),
        (#"{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,4]}}"#, 4, "4 bytes for the shape"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "outside the file"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, 4, "lacks"),
        (#"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#, 4, "lacks"),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
            4, "do not follow"
        ),
        (#"{"__metadata__":{"a":1}}"#, 0, "not strings"),
        ("[1,2]", 0, "not a JSON object"),
        ("nonsense", 0, "not a JSON object"),
    ])
    func hostileHeaders(_ header: String, bytes: Int, expected: String) throws {
        var data = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
        data += Data(header.utf8) + Data(count: bytes)
        let error = #expect(throws: FileError.self) {
            try SafeTensors.parse(data, name: "hostile.safetensors")
        }
        let sentence = error?.description ?? ""
        #expect(sentence.hasPrefix("hostile.safetensors ") && sentence.contains(expected), "\(sentence)")
    }

    @Test func absurdHeaderLength() throws {
        let data = Data(repeating: 0xFF, count: 64)
        #expect(throws: FileError.self) { try SafeTensors.parse(data, name: "absurd") }
    }

    /// 100,000 mutated files: each is read or refused, none traps.
    @Test func mutatedFilesNeverTrap() throws {
        let original = [UInt8](try Self.sample())
        var state: UInt64 = 1
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        var refused = 0
        for _ in 0..<100_000 {
            var bytes = original
            for _ in 0...random(4) {
                switch random(4) {
                case 0: bytes[random(bytes.count)] = UInt8(random(256))
                case 1: bytes[random(bytes.count)] ^= UInt8(1 << random(8))
                case 2: bytes.removeLast(random(min(16, bytes.count - 1)))
                default: bytes.insert(UInt8(ascii: "0") + UInt8(random(10)), at: random(bytes.count))
                }
            }
            do { _ = try SafeTensors.parse(Data(bytes), name: "mutant") } catch { refused += 1 }
        }
        #expect(refused > 50_000)
    }

    @Test func unwritableFolder() throws {
        let url = URL(fileURLWithPath: "/nonexistent/folder/file.safetensors")
        #expect(throws: FileError.self) { try SafeTensors.write([], to: url) }
    }
}
