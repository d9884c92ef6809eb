import ECARImages
import Foundation
import Testing

/// The real data sets, where they lie beside the project.
private let data = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/data")

@Suite(
    .enabled(
        if: FileManager.default.fileExists(atPath: data.path),
        "The folder ../shared/data is not beside the project, so the real data sets are not tried."))
struct SharedDataTests {
    struct Known: CustomTestStringConvertible, Sendable {
        let path: String
        let split: String?
        let count: Int
        let classes: Int
        let shape: [Int]

        var testDescription: String { "\(path) \(split ?? "")" }
    }

    static let known = [
        Known(path: "fashion-mnist", split: nil, count: 60_000, classes: 10, shape: [28, 28, 1]),
        Known(path: "fashion-mnist", split: "test", count: 10_000, classes: 10, shape: [28, 28, 1]),
        Known(path: "cifar10/cifar10_jpg.tar.gz", split: "train", count: 50_000, classes: 10, shape: [32, 32, 3]),
        Known(path: "flowers102/flowers102_256.tar", split: nil, count: 6552, classes: 102, shape: [256, 256, 3]),
        Known(path: "flowers102/flowers102_256.tar", split: "valid", count: 818, classes: 102, shape: [256, 256, 3]),
        Known(path: "imagenet/imagenet_samples_256.tar", split: nil, count: 1000, classes: 1000, shape: [256, 256, 3]),
    ]

    @Test(arguments: known) func opens(_ known: Known) throws {
        let dataset = try openDataset(data.appendingPathComponent(known.path), split: known.split)
        #expect(dataset.count == known.count)
        #expect(dataset.classNames.count == known.classes)
        #expect(Set((0..<dataset.count).map(dataset.label)).count == known.classes)
        for i in stride(from: 0, to: dataset.count, by: dataset.count / 50) {
            let image = try dataset.image(i)
            #expect([image.height, image.width, image.channels] == known.shape)
        }
    }
}
