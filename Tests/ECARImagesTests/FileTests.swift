import ECARImages
import Files
import Foundation
import Testing

@Suite struct FileTests {
    private func names(in folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    // MARK: Atomic files

    @Test func writesAndReplaces() throws {
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("file")
            for content in ["one", "", "three"] {
                try writeAtomically(Data(content.utf8), to: url)
                #expect(try Data(contentsOf: url) == Data(content.utf8))
            }
            #expect(try names(in: folder) == ["file"])
        }
    }

    @Test func leavesNothingOnFailure() throws {
        try withTemporaryFolder { folder in
            let missing = #expect(throws: FileError.self) {
                try writeAtomically(Data("x".utf8), to: folder.appendingPathComponent("no/file"))
            }
            #expect(missing?.cause.contains("no folder") == true)
            let target = folder.appendingPathComponent("folder")
            try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
            #expect(throws: FileError.self) { try writeAtomically(Data("x".utf8), to: target) }
            #expect(try names(in: folder) == ["folder"])
        }
    }

    // MARK: npz

    @Test func readsWhatNumPyWrote() throws {
        try withTemporaryFolder { folder in
            try write(try fixture("arrays.npz"), to: folder, "arrays.npz")
            let arrays = try readNpz(folder.appendingPathComponent("arrays.npz"))
            #expect(arrays["images"]?.type == "|u1" && arrays["images"]?.shape == [2, 2, 2, 3])
            #expect(arrays["images"]?.bytes == Array(0..<24))
            let mu = try #require(arrays["mu"])
            #expect(mu.type == "<f8" && mu.shape == [5])
            let values = mu.bytes.withUnsafeBytes { bytes in
                (0..<5).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
            }
            #expect(values == [0, 0.25, 0.5, 0.75, 1])
        }
    }

    @Test func writesSamples() throws {
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("samples.npz")
            let images = try (0..<5).map { try picture($0, channels: $0 == 2 ? 1 : 3) }
            let writer = try NpzWriter(url, count: 5, height: 8, width: 8)
            for (i, image) in images.enumerated() { try writer.append(image, label: i * 300) }
            #expect(try names(in: folder).filter { !$0.hasPrefix(".") }.isEmpty)
            try writer.finish()
            #expect(try names(in: folder) == ["samples.npz"])
            let arrays = try readNpz(url)
            #expect(arrays["arr_0"]?.shape == [5, 8, 8, 3])
            #expect(try arrays["arr_0"]?.bytes == images.flatMap { try $0.converted(channels: 3).pixels })
            #expect(arrays["arr_1"]?.type == "<i8")
            #expect(arrays["arr_1"]?.bytes == (0..<5).flatMap { littleEndian($0 * 300, 8) })
        }
    }

    @Test func unfinishedSamplesLeaveNothing() throws {
        try withTemporaryFolder { folder in
            do {
                let writer = try NpzWriter(folder.appendingPathComponent("x.npz"), count: 2, height: 8, width: 8)
                try writer.append(try picture(0), label: 0)
                #expect(throws: FileError.self) { try writer.append(try picture(0, side: 9), label: 0) }
                #expect(throws: FileError.self) { try writer.finish() }
            }
            #expect(try names(in: folder).isEmpty)
        }
    }

    @Test func arraysRoundTrip() throws {
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("x.npz")
            let arrays = [
                "mu": try NumpyArray(type: "<f4", shape: [2, 1], bytes: Array(0..<8)),
                "scalar": try NumpyArray(type: "<i8", shape: [], bytes: Array(0..<8)),
                "empty": try NumpyArray(type: "|u1", shape: [0, 7], bytes: []),
            ]
            try writeNpz(arrays, to: url)
            #expect(try readNpz(url) == arrays)
            #expect(throws: FileError.self) { try readNpz(url, maximumBytes: 15) }
        }
    }

    @Test func refusesWrongArrays() {
        #expect(throws: FileError.self) { try NumpyArray(type: "<f4", shape: [2], bytes: [1]) }
        #expect(throws: FileError.self) { try NumpyArray(type: "|O8", shape: [1], bytes: Array(0..<8)) }
        #expect(throws: FileError.self) { try NumpyArray(type: "<f4", shape: [.max, .max], bytes: []) }
        #expect(throws: FileError.self) { try NumpyArray(type: "<f4", shape: [-1, -1], bytes: Array(0..<4)) }
    }

    @Test func survivesDamagedArrays() throws {
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("x.npz")
            try writeNpz(["mu": try NumpyArray(type: "<f4", shape: [2, 3], bytes: Array(0..<24))], to: url)
            let good = [UInt8](try Data(contentsOf: url))
            let start = try #require(good.firstIndex(of: 0x93))
            let array = Array(good[start..<start + 128 + 24])
            #expect(try NumpyArray(file: array, name: "mu").shape == [2, 3])
            var generator = SplitMix64(seed: 4)
            for _ in 0..<20_000 { _ = try? NumpyArray(file: mutated(array, using: &generator), name: "mu") }
            for _ in 0..<300 {
                try Data(mutated(good, using: &generator)).write(to: url)
                _ = try? readNpz(url)
            }
        }
    }
}
