import ECARImages
import Files
import Foundation
import Testing

@Suite struct DecodingTests {
    static let pngs = [
        "grey.png", "grey1.png", "grey16.png", "colour.png", "colour16.png", "colour_alpha.png", "grey_alpha.png",
        "palette.png", "palette_alpha.png", "interlaced.png",
    ]
    static let jpegs = ["colour.jpg", "colour420.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg"]

    @Test(arguments: pngs) func decodesPNGExactly(_ name: String) throws {
        #expect(try Image.decode(try fixture(name), name: name) == expectedImage(name))
    }

    /// Decoders may round differently, by design of the format.
    @Test(arguments: jpegs) func decodesJPEG(_ name: String) throws {
        let image = try Image.decode(try fixture(name), name: name)
        #expect(largestDifference(image, try expectedImage(name)) <= 2)
    }

    @Test(arguments: pngs + jpegs) func refusesEveryTruncation(_ name: String) throws {
        let bytes = try fixture(name)
        for length in 0..<bytes.count {
            let error = #expect(throws: FileError.self) {
                try Image.decode(Array(bytes.prefix(length)), name: "cut.file")
            }
            #expect(error?.file == "cut.file")
        }
    }

    @Test(arguments: pngs + jpegs) func survivesDamage(_ name: String) throws {
        let bytes = try fixture(name)
        var generator = SplitMix64(seed: 5)
        for _ in 0..<500 {
            let damaged = mutated(bytes, using: &generator)
            guard let image = try? Image.decode(damaged, name: name) else { continue }
            #expect(image.pixels.count == image.width * image.height * image.channels)
        }
    }

    /// The header alone must be enough to refuse a picture; the file holds no pixels at all.
    @Test(arguments: [(16_385, 1), (1, 16_385), (16_384, 16_384), (Int(Int32.max), Int(Int32.max))])
    func refusesHugePNGs(_ width: Int, _ height: Int) throws {
        var bytes = try fixture("colour.png")
        bytes.replaceSubrange(16..<24, with: bigEndian(width) + bigEndian(height))
        var crc: UInt32 = ~0
        for byte in bytes[12..<29] {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
        bytes.replaceSubrange(29..<33, with: bigEndian(Int(~crc)))
        let error = #expect(throws: FileError.self) { try Image.decode(bytes, name: "huge.png") }
        #expect(error?.cause.contains("too large") == true)
    }

    @Test func refusesHugeJPEGs() throws {
        var bytes = try fixture("grey.jpg")
        let marker = try #require(bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
        bytes.replaceSubrange(marker + 5..<marker + 9, with: [0xFF, 0xDC, 0xFF, 0xDC])
        let error = #expect(throws: FileError.self) { try Image.decode(bytes, name: "huge.jpg") }
        #expect(error?.cause.contains("too large") == true)
    }

    @Test func namesFileAndCause() throws {
        try withTemporaryFolder { folder in
            try write(Array("hello".utf8), to: folder, "note.png")
            let note = folder.appendingPathComponent("note.png")
            #expect(throws: FileError(note.path, "is neither a PNG nor a JPEG", remedy: "Convert it to one of them")) {
                try Image.read(note)
            }
            let missing = #expect(throws: FileError.self) { try Image.read(folder.appendingPathComponent("no.png")) }
            #expect(missing?.description.contains("No such file") == true)
            let directory = #expect(throws: FileError.self) { try Image.read(folder) }
            #expect(directory?.description.contains("not a regular file") == true)
        }
    }
}
