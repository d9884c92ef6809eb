import ECARImages
import Files
import Foundation
import Testing

@Suite struct NpzPicturesTests {
    private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures")

    /// The rule of Scripts/metric_fixtures.py.
    private func expected(_ number: Int, channels: Int) throws -> Image {
        let pixels = (0..<24).flatMap { pixel in
            (0..<channels).map { UInt8((number * 72 + pixel * 3 + $0) * 7 % 251) }
        }
        return try Image(width: 6, height: 4, channels: channels, pixels: pixels)
    }

    @Test(arguments: ["pictures", "pictures_packed", "pictures_grey"], [1, 2, 5, 100])
    func readsWhatNumPyWrote(name: String, batch: Int) throws {
        let pictures = try NpzPictures(Self.fixtures.appendingPathComponent("\(name).npz"))
        let channels = name.hasSuffix("grey") ? 1 : 3
        #expect((pictures.count, pictures.height, pictures.width, pictures.channels) == (5, 4, 6, channels))
        #expect(pictures.labels == (channels == 1 ? nil : [3, 1, 4, 1, 5]))
        var images: [Image] = []
        while true {
            let next = try pictures.next(batch)
            guard !next.isEmpty else { break }
            #expect(next.count == min(batch, 5 - images.count))
            images += next
        }
        #expect(try images == (0..<5).map { try expected($0, channels: channels) })
        #expect(try pictures.next(batch).isEmpty)
    }

    @Test func readsWhatNpzWriterWrote() throws {
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("x.npz")
            let writer = try NpzWriter(url, count: 3, height: 8, width: 8)
            for i in 0..<3 { try writer.append(try picture(i), label: 9 - i) }
            try writer.finish()
            let pictures = try NpzPictures(url)
            #expect(pictures.labels == [9, 8, 7])
            #expect(try pictures.next(9) == (0..<3).map { try picture($0) })
        }
    }

    private func cause(_ arrays: [String: NumpyArray]) throws -> String {
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("x.npz")
            try writeNpz(arrays, to: url)
            let error = #expect(throws: FileError.self) { try NpzPictures(url) }
            return error?.description ?? ""
        }
    }

    @Test func refusesWhatAreNoPictures() throws {
        func bytes(_ shape: [Int]) throws -> NumpyArray {
            try NumpyArray(type: "|u1", shape: shape, bytes: [UInt8](repeating: 1, count: shape.reduce(1, *)))
        }
        let good = try bytes([2, 3, 3, 3])
        #expect(try cause(["mu": good]).contains("no array arr_0"))
        #expect(try cause(["arr_0": try NumpyArray([1, 2, 3], shape: [1, 1, 3])]).contains("of type <f8"))
        for shape in [[2, 3], [2, 3, 3, 4], [2, 1, 1, 1, 1], [0, 3, 3, 3], []] {
            #expect(try cause(["arr_0": try bytes(shape)]).contains("not that of pictures"))
        }
        #expect(try cause(["arr_0": try bytes([2, 0, 3])]).contains("impossible size"))
        #expect(try cause(["arr_0": try bytes([1, 1, 20_000])]).contains("impossible size"))
        #expect(try cause(["arr_0": good, "arr_1": try bytes([3])]).contains("2 pictures but 3 labels"))
        #expect(try cause(["arr_0": good, "arr_1": try bytes([2, 1])]).contains("not those of labels"))
        #expect(try cause(["arr_0": good, "arr_1": try NumpyArray([0, 1], shape: [2])]).contains("<f8"))
        let objects = #expect(throws: FileError.self) {
            try NpzPictures(Self.fixtures.appendingPathComponent("pictures_objects.npz"))
        }
        #expect(objects?.cause.contains("Python objects") == true)
    }

    /// A few bytes of deflated zeros can promise billions of labels: how many there are is asked before one is read.
    @Test func labelsAreCountedBeforeTheyAreRead() throws {
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("x.npz")
            let pictures = try NumpyArray(type: "|u1", shape: [2, 3, 3, 3], bytes: [UInt8](repeating: 1, count: 54))
            let labels = try NumpyArray(type: "|u1", shape: [2], bytes: [0, 1])
            try writeNpz(["arr_0": pictures, "arr_1": labels], to: url)
            var file = try Data(contentsOf: url)
            // More labels than there are: reading them would end too early.
            let shape = try #require(file.range(of: Data("(2,)".utf8)))
            file.replaceSubrange(shape, with: Data("(9,)".utf8))
            try file.write(to: url)
            let error = #expect(throws: FileError.self) { try NpzPictures(url) }
            #expect(error?.cause == "holds 2 pictures but 9 labels")
        }
    }

    @Test(arguments: ["pictures", "pictures_packed", "pictures_grey"]) func survivesDamage(name: String) throws {
        let good = try fixture("\(name).npz")
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("x.npz")
            func pictures(_ bytes: [UInt8]) throws -> [Image] {
                try Data(bytes).write(to: url)
                return try NpzPictures(url).next(.max)
            }
            let all = try pictures(good)
            var generator = SplitMix64(seed: 11)
            for _ in 0..<500 {
                // Checksums see to it that wrong pixels are never taken for right ones.
                if let read = try? pictures(mutated(good, using: &generator)) { #expect(read == all) }
            }
            for end in stride(from: 0, to: good.count, by: 7) {
                if let read = try? pictures(Array(good.prefix(end))) { #expect(read == all) }
            }
        }
    }
}

// MARK: - NumPy itself

/// The `python3` of this machine with NumPy, where there is one.
private let python: URL? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let candidates = folders.map { URL(fileURLWithPath: "\($0)/python3") }
    return candidates.first { (try? runPython($0, "import numpy", []))?.isEmpty == true }
}()

/// What a program prints.
private func runPython(_ url: URL, _ program: String, _ arguments: [String]) throws -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = url
    process.arguments = ["-c", program] + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : "failed"
}

@Suite(.enabled(if: python != nil, "There is no python3 with NumPy here, so nothing is read with it."))
struct NumPyTests {
    /// The steps of guided-diffusion's evaluator: an entry of the zip, its header, then bytes in batches.
    private static let evaluator = """
        import sys, zipfile
        import numpy as np
        with zipfile.ZipFile(sys.argv[1]) as file, file.open("arr_0.npy") as array:
            assert np.lib.format.read_magic(array) == (1, 0)
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(array)
            assert not fortran and dtype == np.uint8, dtype
            first = np.frombuffer(array.read(2 * int(np.prod(shape[1:]))), dtype).reshape(2, *shape[1:])
        loaded = np.load(sys.argv[1])
        assert sorted(loaded.files) == ["arr_0", "arr_1"] and (loaded["arr_0"][:2] == first).all()
        print(shape, loaded["arr_0"].astype(int).sum(), loaded["arr_1"].dtype, loaded["arr_1"].tolist())
        """

    @Test func loadsSamples() throws {
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("set.npz")
            let images = try (0..<3).map { try picture($0) }
            let writer = try NpzWriter(url, count: 3, height: 8, width: 8)
            for (i, image) in images.enumerated() { try writer.append(image, label: i * 300) }
            try writer.finish()
            let sum = images.flatMap(\.pixels).reduce(0) { $0 + Int($1) }
            let output = try runPython(try #require(python), Self.evaluator, [url.path])
            #expect(output == "(3, 8, 8, 3) \(sum) int64 [0, 300, 600]\n")
        }
    }
}
