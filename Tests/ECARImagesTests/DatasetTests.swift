import ECARImages
import Files
import Foundation
import Testing

@Suite struct DatasetTests {
    /// Two splits of three classes, with files that are no pictures among them.
    private func tree() throws -> [TarEntry] {
        var entries: [TarEntry] = []
        for (split, count) in [("train", 4), ("test", 2)] {
            for (label, name) in ["ant", "bee", "été"].enumerated() {
                for i in 0..<count {
                    let png = try picture(label * 100 + i + (split == "test" ? 50 : 0)).png()
                    entries.append(TarEntry(path: "\(split)/\(name)/\(i).png", bytes: [UInt8](png)))
                }
            }
        }
        return entries + [TarEntry(path: "README.md", bytes: Array("text".utf8)), TarEntry(path: ".hidden/x.png")]
    }

    private func check(_ dataset: any ImageDataset, perClass: Int, first: Int) throws {
        #expect(dataset.classNames == ["ant", "bee", "été"])
        #expect(dataset.count == 3 * perClass)
        for i in 0..<dataset.count {
            #expect(dataset.label(i) == i / perClass)
            #expect(try dataset.image(i) == picture(i / perClass * 100 + i % perClass + first))
        }
    }

    enum Packing: CaseIterable { case folder, tar, tarGz, nestedTar, nestedFolder }

    @Test(arguments: Packing.allCases) func readsClassFolders(_ packing: Packing) throws {
        try withTemporaryFolder { folder in
            let prefix = [.nestedTar, .nestedFolder].contains(packing) ? "./flowers/data/" : ""
            let entries = try tree().map { TarEntry(path: prefix + $0.path, bytes: $0.bytes) }
            var url = folder.appendingPathComponent("set")
            switch packing {
            case .folder, .nestedFolder: for entry in entries { try write(entry.bytes, to: url, entry.path) }
            case .tar, .nestedTar:
                url = folder.appendingPathComponent("set.tar")
                try Data(tar([TarEntry(path: "folder/", type: "5")] + entries)).write(to: url)
            case .tarGz:
                url = folder.appendingPathComponent("set.tar.gz")
                try Data(gzip(tar(entries))).write(to: url)
            }
            try check(try openDataset(url), perClass: 4, first: 0)
            try check(try openDataset(url, split: "train"), perClass: 4, first: 0)
            try check(try openDataset(url, split: "test"), perClass: 2, first: 50)
            #expect(try datasetSplits(url) == ["train", "test"])
            let error = #expect(throws: FileError.self) { try openDataset(url, split: "val") }
            #expect(error?.description.contains("'valid'") == true)
            #expect(throws: FileError.self) { try openDataset(url, split: "nonsense") }
        }
    }

    @Test func readsATreeWithoutSplits() throws {
        try withTemporaryFolder { folder in
            for name in ["10", "9", "2"] { try write([UInt8](try picture(0).png()), to: folder, "\(name)/a.PNG") }
            let dataset = try openDataset(folder)
            #expect(dataset.classNames == ["2", "9", "10"])
            #expect(try datasetSplits(folder) == [])
            #expect(throws: FileError.self) { try openDataset(folder, split: "train") }
            try write([UInt8](try picture(0).png()), to: folder, "stray.png")
            let stray = #expect(throws: FileError.self) { try openDataset(folder) }
            #expect(stray?.file.hasSuffix("stray.png") == true)
        }
    }

    @Test func readsAFlatFolder() throws {
        try withTemporaryFolder { folder in
            for i in 0..<3 { try write([UInt8](try picture(i).png()), to: folder, "\(i).png") }
            let dataset = try openDataset(folder)
            #expect(dataset.classNames == ["images"])
            #expect(try (0..<3).map { try dataset.image($0) } == (0..<3).map { try picture($0) })
        }
    }

    @Test func namesADamagedPicture() throws {
        try withTemporaryFolder { folder in
            try write(Array("nonsense".utf8), to: folder, "a/broken.png")
            let dataset = try openDataset(folder)
            let error = #expect(throws: FileError.self) { try dataset.image(0) }
            #expect(error?.file.hasSuffix("a/broken.png") == true)
        }
    }

    @Test func refusesWhatIsNoDataset() throws {
        try withTemporaryFolder { folder in
            #expect(throws: FileError.self) { try openDataset(folder) }
            #expect(throws: FileError.self) { try openDataset(folder.appendingPathComponent("missing")) }
            try write(Array("text".utf8), to: folder, "note.txt")
            #expect(throws: FileError.self) { try openDataset(folder) }
            #expect(throws: FileError.self) { try openDataset(folder.appendingPathComponent("note.txt")) }
            try write([], to: folder, "empty.tar")
            #expect(throws: FileError.self) { try openDataset(folder.appendingPathComponent("empty.tar")) }
            try write(gzip(Array("text".utf8)), to: folder, "note.gz")
            #expect(throws: FileError.self) { try openDataset(folder.appendingPathComponent("note.gz")) }
        }
    }

    // MARK: CIFAR-10

    private func record(_ label: UInt8, _ number: Int) throws -> [UInt8] {
        [label] + (try picture(number, side: 32).planes)
    }

    @Test(arguments: [false, true]) func readsCIFAR(packed: Bool) throws {
        try withTemporaryFolder { folder in
            let files: [(String, [UInt8])] = [
                ("data_batch_1.bin", try record(3, 0) + record(9, 1)), ("data_batch_2.bin", try record(0, 2)),
                ("test_batch.bin", try record(5, 3)),
                ("batches.meta.txt", Array("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n".utf8)),
            ]
            var url = folder.appendingPathComponent("cifar")
            for (name, bytes) in files { try write(bytes, to: url, name) }
            if packed {
                url = folder.appendingPathComponent("cifar-10-binary.tar.gz")
                let entries = files.map { TarEntry(path: "cifar-10-batches-bin/\($0.0)", bytes: $0.1) }
                try Data(gzip(tar(entries))).write(to: url)
            }
            let train = try openDataset(url)
            #expect(train.classNames == "abcdefghij".map { String($0) })
            #expect((0..<train.count).map(train.label) == [3, 9, 0])
            for i in 0..<3 { #expect(try train.image(i) == picture(i, side: 32)) }
            let test = try openDataset(url, split: "test")
            #expect(test.count == 1 && test.label(0) == 5)
            #expect(try datasetSplits(url) == ["train", "test"])
            #expect(throws: FileError.self) { try openDataset(url, split: "valid") }
        }
    }

    @Test func refusesDamagedCIFAR() throws {
        try withTemporaryFolder { folder in
            try write(try record(3, 0).dropLast(), to: folder, "data_batch_1.bin")
            let short = #expect(throws: FileError.self) { try openDataset(folder) }
            #expect(short?.file.hasSuffix("data_batch_1.bin") == true)
            try write(try record(10, 0), to: folder, "data_batch_1.bin")
            #expect(throws: FileError.self) { try openDataset(folder) }
            #expect(throws: FileError.self) { try openDataset(folder.appendingPathComponent("data_batch_1.bin")) }
        }
    }
}

@Suite struct ClassNameTests {
    @Test(arguments: [
        ("001_Pink-primrose", "pink primrose"), ("colt's foot", "colt's foot"), ("7", "7"), ("2 lips", "2 lips"),
        ("2.lips", "lips"),
        ("_", ""),
        ("n01440764", "n01440764"), ("T-shirt/top", "t shirt/top"), ("1.2", "2"),
    ])
    func waysToWriteAName(name: String, key: String) {
        #expect(ClassName.key(name) == key)
    }

    @Test(arguments: [
        (["a", "a"], ["a", "a"], [0, 1]), (["a", "b"], ["b", "a", "a"], [nil, 0]),
        (["1_a", "A"], ["2_a", "A"], [nil, 1]), (["01_a_b"], ["c", "A b"], [1]),
    ])
    func placesOfNames(names: [String], others: [String], expected: [Int?]) {
        #expect(ClassName.places(of: names, among: others) == expected)
    }
}
