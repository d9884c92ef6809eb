import ECARImages
import Files
import Foundation
import Testing

@Suite struct EncodingTests {
    @Test(arguments: [1, 3], [1, 2, 31]) func pngRoundTrip(channels: Int, side: Int) throws {
        let image = try picture(3, side: side, channels: channels)
        #expect(try Image.decode(try image.png(), name: "own.png") == image)
    }

    @Test(arguments: [1, 3]) func jpegIsCloseToThePicture(channels: Int) throws {
        // Smooth, as JPEG likes it, with colours that run against each other.
        let pixels = (0..<40 * 24 * channels).map { i in
            let (x, y, c) = (i / channels % 40, i / channels / 40, i % channels)
            return UInt8(c == 1 ? 255 - 6 * x : 4 * x + 3 * y)
        }
        let image = try Image(width: 40, height: 24, channels: channels, pixels: pixels)
        let decoded = try Image.decode(try image.jpeg(quality: 100), name: "own.jpg")
        #expect((decoded.width, decoded.height, decoded.channels) == (40, 24, channels))
        let largest = zip(decoded.pixels, pixels).map { abs(Int($0) - Int($1)) }.max()
        #expect((largest ?? 255) <= 4)
        #expect(try image.jpeg(quality: 30).count < image.jpeg(quality: 95).count)
        for quality in [0, 101] { #expect(throws: FileError.self) { try image.jpeg(quality: quality) } }
    }

    @Test func textRoundTrip() throws {
        let text = [
            "ecar": #"{"class":"robe d’été","seed":18446744073709551615}"#, "plain": "line 1\nline 2", "empty": "",
            "long": String(repeating: "光🌱 ", count: 20_000),
        ]
        let png = try picture(1).png(text: text)
        #expect(try Image.pngText(png) == text)
        #expect(try Image.decode(png, name: "own.png") == picture(1))
    }

    @Test func readsForeignText() throws {
        let expected = [
            "plain": "ASCII text", "latin": "café", "packed": String(repeating: "x", count: 500), "world": "光 🌱",
            "packed world": String(repeating: "é", count: 500),
        ]
        #expect(try Image.pngText(Data(try fixture("text.png"))) == expected)
    }

    @Test(arguments: ["", " x", "x ", "a  b", "naïve", String(repeating: "k", count: 80)])
    func refusesBadKeywords(_ key: String) throws {
        let image = try picture(1)
        #expect(throws: FileError.self) { try image.png(text: [key: "value"]) }
    }

    @Test func refusesNullInText() throws {
        let image = try picture(1)
        #expect(throws: FileError.self) { try image.png(text: ["key": "a\0b"]) }
    }

    @Test func planesRoundTrip() throws {
        let image = try picture(2, side: 5)
        #expect(try Image(planes: image.planes, channels: 3, height: 5, width: 5) == image)
        let floats = image.planes.map { Float($0) / 127.5 - 1 }
        #expect(try Image(planes: floats, channels: 3, height: 5, width: 5) == image)
        let clamped = try Image(planes: [-7, -1, 0, 1, 7, 1e30], channels: 1, height: 2, width: 3)
        #expect(clamped.pixels == [0, 0, 128, 255, 255, 255])
    }

    @Test func refusesWrongValues() {
        #expect(throws: FileError.self) { try Image(planes: [Float.nan], channels: 1, height: 1, width: 1) }
        #expect(throws: FileError.self) { try Image(planes: [UInt8](), channels: 1, height: 1, width: 1) }
        #expect(throws: FileError.self) { try Image(width: 2, height: 2, channels: 2) }
        #expect(throws: FileError.self) { try Image(width: 0, height: 2, channels: 1) }
        #expect(throws: FileError.self) { try Image(width: .max, height: .max, channels: 1) }
        #expect(throws: FileError.self) { try Image(width: 2, height: 2, channels: 1, pixels: [1, 2, 3]) }
    }
}
