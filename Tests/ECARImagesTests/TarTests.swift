import ECARImages
import Files
import Foundation
import Testing

@Suite struct TarTests {
    private func open(_ bytes: [UInt8]) throws -> any ImageDataset {
        try withTemporaryFolder { folder in
            let url = folder.appendingPathComponent("set.tar")
            try Data(bytes).write(to: url)
            return try openDataset(url)
        }
    }

    private func good() throws -> TarEntry { TarEntry(path: "a/1.png", bytes: [UInt8](try picture(1).png())) }

    @Test(arguments: ["../a/1.png", "a/../../1.png", "/a/1.png", "a/.."])
    func refusesPathsThatLeave(_ path: String) throws {
        for packed in [false, true] {
            let bytes = tar([try good(), TarEntry(path: path, bytes: try good().bytes)])
            let error = #expect(throws: FileError.self) { try open(packed ? gzip(bytes) : bytes) }
            #expect(error?.cause.contains(path) == true)
        }
    }

    @Test(arguments: ["1", "2", "3", "6"] as [Character]) func refusesLinksAndDevices(_ type: Character) throws {
        let entry = TarEntry(path: "a/2.png", type: type, link: "/etc/passwd")
        let error = #expect(throws: FileError.self) { try open(tar([try good(), entry])) }
        #expect(error?.cause.contains("a/2.png") == true)
    }

    @Test func refusesTwoFilesOfOneName() throws {
        let error = #expect(throws: FileError.self) { try open(tar([try good(), try good()])) }
        #expect(error?.cause.contains("two files") == true)
    }

    @Test func refusesTruncation() throws {
        let bytes = tar([try good(), TarEntry(path: "a/2.png", bytes: try good().bytes)])
        let content = (bytes.count - 1024) / 2
        for length in [1, 511, 512, 600, content + 100, content + 512, content + 600] {
            #expect(throws: FileError.self) { try open(Array(bytes.prefix(length))) }
        }
        let packed = gzip(bytes)
        for length in stride(from: 0, to: packed.count, by: 7) {
            #expect(throws: FileError.self) { try open(Array(packed.prefix(length))) }
        }
    }

    /// Shards with class folders inside, an archive a class, and both.
    @Test(arguments: [
        [("one.tar", ["rose/1.png", "tulip/2.png"]), ("two.tar", ["tulip/3.png"])],
        [("rose.tar", ["1.png"]), ("tulip.tar", ["2.png", "3.png"])],
        [("rose.tar", ["1.png"]), ("rest/two.tar", ["tulip/2.png", "tulip/3.png"])],
    ])
    func readsFoldersOfArchives(archives: [(name: String, members: [String])]) throws {
        try withTemporaryFolder { folder in
            for (name, members) in archives {
                let entries = try members.map { member in
                    let number = Int(String(member.dropLast(4).suffix(1))) ?? 0
                    return TarEntry(path: member, bytes: [UInt8](try picture(number).png()))
                }
                try write(tar(entries), to: folder, name)
            }
            let dataset = try openDataset(folder)
            #expect(dataset.classNames == ["rose", "tulip"])
            #expect((0..<dataset.count).map(dataset.label) == [0, 1, 1])
            for index in 0..<3 { #expect(try dataset.image(index) == picture(index + 1)) }
        }
    }

    /// The splits are folders of archives, or are named in the archives too.
    @Test(arguments: [["0.png", "1.png", "2.png"], ["train/rose/0.png", "train/tulip/1.png", "val/rose/2.png"]])
    func splitsOfArchivesStayApart(members: [String]) throws {
        try withTemporaryFolder { folder in
            for (number, name) in ["train/rose.tar", "train/tulip.tar", "val/rose.tar"].enumerated() {
                let entry = TarEntry(path: members[number], bytes: [UInt8](try picture(number).png()))
                try write(tar([entry]), to: folder, name)
            }
            #expect(try openDataset(folder).count == 2)
            let valid = try openDataset(folder, split: "valid")
            #expect(valid.count == 1 && valid.classNames == ["rose", "tulip"])
            #expect(try valid.image(0) == picture(2))
        }
    }

    @Test func refusesOnePictureInTwoArchives() throws {
        try withTemporaryFolder { folder in
            for name in ["one.tar", "two.tar"] { try write(tar([try good()]), to: folder, name) }
            let error = #expect(throws: FileError.self) { try openDataset(folder) }
            #expect(error?.cause.contains("a/1.png") == true && error?.cause.contains("one.tar") == true)
        }
    }

    @Test func detectsDamagedGzip() throws {
        var bytes = gzip(tar([try good()]))
        bytes[bytes.count - 2000] ^= 1
        #expect(throws: FileError.self) { try open(bytes) }
    }

    @Test func survivesDamage() throws {
        let bytes = tar([try good(), TarEntry(path: "b/2.png", bytes: try good().bytes)])
        var generator = SplitMix64(seed: 11)
        for round in 0..<400 {
            let damaged = mutated(bytes, using: &generator)
            guard let dataset = try? open(round % 2 == 0 ? damaged : gzip(damaged)) else { continue }
            for i in 0..<dataset.count { _ = try? dataset.image(i) }
        }
    }
}
