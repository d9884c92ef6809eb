import ECARImages
import Files
import Foundation
import Testing

/// Pictures of one value each, of which some cannot be read.
private struct Plain: ImageDataset {
    let name = "plain"
    let count: Int
    let classNames = ["even", "odd"]
    var damaged: Set<Int> = []

    func label(_ index: Int) -> Int { index % 2 }

    func image(_ index: Int) throws(FileError) -> Image {
        if damaged.contains(index) { throw FileError("plain/\(index)", "is damaged") }
        // The later pictures of a batch come sooner.
        Thread.sleep(forTimeInterval: Double(count - index) * 1e-5)
        return try Image(width: 9, height: 7, channels: 1, fill: UInt8(truncatingIfNeeded: index))
    }
}

@Suite struct PictureStreamTests {
    private static func ranges(_ count: Int, _ size: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    }

    @Test(arguments: [1, 2, 5]) func picturesComeInOrder(threads: Int) throws {
        let dataset = Plain(count: 103, damaged: [0, 13, 50, 51, 52, 53, 54, 102])
        let stream = try PictureStream(
            dataset: dataset, ranges: Self.ranges(103, 5), side: 4, channels: 3, fit: .crop, threads: threads)
        var indices: [Int] = []
        var failures: [Int] = []
        while let run = stream.next() {
            #expect(run.labels == run.indices.map { $0 % 2 })
            #expect(run.pixels == run.indices.flatMap { [UInt8](repeating: UInt8($0), count: 48) })
            for failure in run.failures { #expect(failure.error.file == "plain/\(failure.index)") }
            indices += run.indices
            failures += run.failures.map(\.index)
        }
        #expect(indices == (0..<103).filter { !dataset.damaged.contains($0) })
        #expect(failures == dataset.damaged.sorted())
        #expect(stream.next() == nil)
    }

    @Test func onlyTheWantedRangesAreRead() throws {
        let stream = try PictureStream(
            dataset: Plain(count: 20), ranges: [4..<6, 17..<20, 7..<7], side: 2, channels: 1, fit: .pad)
        #expect(stream.next()?.indices == [4, 5])
        #expect(stream.next()?.indices == [17, 18, 19])
        #expect(stream.next()?.indices == [])
        #expect(stream.next() == nil)
    }

    @Test func aStreamThatIsLeftEndsItsThreads() throws {
        for _ in 0..<50 {
            let stream = try PictureStream(
                dataset: Plain(count: 1000), ranges: Self.ranges(1000, 2), side: 2, channels: 1, fit: .crop, threads: 4)
            _ = stream.next()
        }
    }

    @Test func valuesOutOfRangeAreErrors() {
        let dataset = Plain(count: 3)
        for (range, side, threads) in [(0..<4, 4, 1), (-1..<2, 4, 1), (0..<3, 0, 1), (0..<3, 4, 0)] {
            #expect(throws: FileError.self) {
                try PictureStream(
                    dataset: dataset, ranges: [range], side: side, channels: 3, fit: .crop, threads: threads)
            }
        }
    }
}
