import ECARImages
import Files
import Foundation
import Testing

@Suite struct IDXTests {
    private let images = idx([3, 2, 4], (0..<24).map { UInt8($0) })
    private let labels = idx([3], [7, 0, 9])

    private func check(_ dataset: any ImageDataset) throws {
        #expect(dataset.count == 3)
        #expect(dataset.classNames == (0...9).map(String.init))
        #expect((0..<3).map(dataset.label) == [7, 0, 9])
        #expect(try dataset.image(1) == Image(width: 4, height: 2, channels: 1, pixels: (8..<16).map { UInt8($0) }))
    }

    @Test(arguments: [false, true], ["-idx3-ubyte", ".idx3-ubyte"])
    func readsFoldersAndFiles(packed: Bool, ending: String) throws {
        try withTemporaryFolder { folder in
            let other = ending.replacingOccurrences(of: "3", with: "1")
            let suffix = packed ? ".gz" : ""
            try write(packed ? gzip(images) : images, to: folder, "train-images\(ending)\(suffix)")
            try write(packed ? gzip(labels) : labels, to: folder, "train-labels\(other)\(suffix)")
            try write(idx([1, 2, 4], Array(0..<8)), to: folder, "t10k-images\(ending)")
            try write(gzip(idx([1], [12])), to: folder, "t10k-labels\(other).gz")
            try check(try openDataset(folder))
            try check(try openDataset(folder, split: "train"))
            try check(try openDataset(folder.appendingPathComponent("train-images\(ending)\(suffix)")))
            let test = try openDataset(folder, split: "test")
            #expect(test.count == 1 && test.classNames.count == 13)
            #expect(throws: FileError.self) { try openDataset(folder, split: "valid") }
        }
    }

    /// A part that is there and cannot be read is not one that is missing.
    @Test func splitsAreKnownByTheirNames() throws {
        try withTemporaryFolder { folder in
            try write(images, to: folder, "train-images-idx3-ubyte")
            try write(labels, to: folder, "train-labels-idx1-ubyte")
            #expect(try datasetSplits(folder) == ["train"])
            #expect(try datasetSplits(folder.appendingPathComponent("train-images-idx3-ubyte")) == [])
            try write(images, to: folder, "t10k-images-idx3-ubyte")
            #expect(try datasetSplits(folder) == ["train", "test"])
            #expect(throws: FileError.self) { try openDataset(folder, split: "test") }
            #expect(throws: FileError.self) { try datasetSplits(folder.appendingPathComponent("none")) }
        }
    }

    private func cause(images: [UInt8]?, labels: [UInt8]?) throws -> String {
        try withTemporaryFolder { folder in
            if let images { try write(images, to: folder, "train-images-idx3-ubyte") }
            if let labels { try write(labels, to: folder, "train-labels-idx1-ubyte") }
            let error = #expect(throws: FileError.self) { try openDataset(folder) }
            return error?.description ?? ""
        }
    }

    @Test func refusesDamagedFiles() throws {
        #expect(try cause(images: images, labels: nil).contains("no labels"))
        #expect(try cause(images: images, labels: idx([2], [1, 2])).contains("3 images but 2 labels"))
        #expect(try cause(images: idx([0, 2, 4], []), labels: idx([0], [])).contains("no images"))
        #expect(try cause(images: idx([3, 0, 4], []), labels: labels).contains("out of range"))
        #expect(try cause(images: images + [0], labels: labels).contains("promises"))
        #expect(try cause(images: images.dropLast(), labels: labels).contains("promises"))
        #expect(try cause(images: labels, labels: labels).contains("not an IDX file"))
        #expect(try cause(images: [0, 0, 8, 3, 0], labels: labels).contains("inside its header"))
    }

    /// Sizes are refused before memory is taken for them.
    @Test(arguments: [[1 << 31, 1 << 31, 1 << 31], [60_000, 28, 28], [0xFFFF_FFFF, 0xFF, 1]])
    func refusesPromisesItCannotKeep(_ shape: [Int]) throws {
        let promise = idx(shape, [1, 2, 3])
        #expect(throws: FileError.self) { try IDXArray(file: promise, dimensions: 3, name: "plain") }
        #expect(throws: FileError.self) { try IDXArray(file: gzip(promise), dimensions: 3, name: "packed") }
    }

    @Test func refusesAGzipThatHoldsMore() throws {
        let bytes = gzip(images + [UInt8](repeating: 0, count: 1 << 20))
        let error = #expect(throws: FileError.self) { try IDXArray(file: bytes, dimensions: 3, name: "bomb") }
        #expect(error?.cause.contains("more data") == true)
    }

    @Test func readsGzipOfSeveralMembers() throws {
        let bytes = gzip(Array(images.prefix(20))) + gzip(Array(images.dropFirst(20)))
        #expect(try IDXArray(file: bytes, dimensions: 3, name: "members").shape == [3, 2, 4])
    }

    @Test(arguments: [false, true]) func survivesDamage(packed: Bool) {
        let good = packed ? gzip(images) : images
        var generator = SplitMix64(seed: packed ? 1 : 2)
        for _ in 0..<60_000 {
            let damaged = mutated(good, using: &generator)
            guard let array = try? IDXArray(file: damaged, dimensions: 3, name: "damaged") else { continue }
            #expect(array.shape.reduce(1, *) < 100)
        }
    }
}
