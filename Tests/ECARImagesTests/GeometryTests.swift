import ECARImages
import Files
import Testing

@Suite struct GeometryTests {
    /// Pillow rounds once more, between the two passes.
    @Test(arguments: [(18, 12), (9, 9), (64, 50), (36, 7), (5, 24), (1, 1)])
    func resizesAsPillowDoes(_ width: Int, _ height: Int) throws {
        let source = try expectedImage("resize source")
        let expected = try expectedImage("resize \(width)x\(height)")
        #expect(largestDifference(try source.resized(width: width, height: height), expected) <= 1)
    }

    @Test(arguments: [1, 3]) func resizingKeepsAFlatPicture(channels: Int) throws {
        let flat = try Image(width: 40, height: 23, channels: channels, fill: 201)
        for (width, height) in [(1, 1), (7, 90), (100, 3), (39, 24)] {
            let resized = try flat.resized(width: width, height: height)
            #expect(resized.pixels.allSatisfy { $0 == 201 })
        }
    }

    @Test func magnifies() throws {
        let image = try Image(width: 2, height: 1, channels: 1, pixels: [3, 9])
        #expect(try image.magnified(2).pixels == [3, 3, 9, 9, 3, 3, 9, 9])
        #expect(throws: FileError.self) { try image.magnified(16_384) }
        #expect(throws: FileError.self) { try image.magnified(0) }
    }

    @Test func cropsAndPads() throws {
        let image = try Image(width: 3, height: 2, channels: 1, pixels: [1, 2, 3, 4, 5, 6])
        #expect(image.croppedSquare().pixels == [1, 2, 4, 5])
        #expect(try image.cropped(x: 1, y: 1, width: 2, height: 1).pixels == [5, 6])
        #expect(throws: FileError.self) { try image.cropped(x: 2, y: 0, width: 2, height: 1) }
        #expect(throws: FileError.self) { try image.cropped(x: 0, y: 0, width: .max, height: 1) }
        let padded = try image.padded(width: 5, height: 4, fill: 7)
        #expect(padded.pixels == [7, 7, 7, 7, 7, 7, 1, 2, 3, 7, 7, 4, 5, 6, 7, 7, 7, 7, 7, 7])
        #expect(try padded.cropped(x: 1, y: 1, width: 3, height: 2) == image)
        #expect(throws: FileError.self) { try image.padded(width: 2, height: 9) }
    }

    @Test func convertsChannels() throws {
        let grey = try Image(width: 2, height: 1, channels: 1, pixels: [10, 200])
        let colour = try grey.converted(channels: 3)
        #expect(colour.pixels == [10, 10, 10, 200, 200, 200])
        #expect(try colour.converted(channels: 1) == grey)
        let primary = try Image(width: 3, height: 1, channels: 3, pixels: [255, 0, 0, 0, 255, 0, 0, 0, 255])
        #expect(try primary.converted(channels: 1).pixels == [76, 150, 29])
        #expect(throws: FileError.self) { try grey.converted(channels: 4) }
    }
}
