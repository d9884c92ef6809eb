import ECAR
import ECARAutoencoder
import ECARImages
import Files
import Foundation
import Torch

/// SDXL's space in name only: the means of 8×8 blocks of the three channels and of the first one once more.
struct FakeAutoencoder: Autoencoder {
    let space = LatentSpace.sdxl
    let scale = 1.0
    let device = Device.cpu
    var identity = "fake-1"
    var hasLogVariance = true
    /// What latents come out as.
    var factor = 3.0

    func encode(_ pictures: Tensor) throws(TorchError) -> Posterior {
        let small = try pictures.meanPooled(8, stride: 8)  // (B, 3, h, w)
        let mean = try Tensor.cat([small, small.narrow(1, start: 0, length: 1)], 1) * factor  // (B, 4, h, w)
        return Posterior(mean: mean, logVariance: hasLogVariance ? try mean * 0.5 - 1 : nil)
    }

    func decode(_ latents: Tensor) throws(TorchError) -> Tensor { latents }
}

/// Noise, each picture another size, of which some cannot be read.
struct FakePictures: ImageDataset {
    let name = "/somewhere/pictures"
    var count = 23
    var classNames = ["a", "b", "c"]
    var damaged: Set<Int> = []
    /// Whether the first two classes change places.
    var swapped = false

    func label(_ index: Int) -> Int {
        let label = min(index / 8, classNames.count - 1)
        return swapped && label < 2 ? 1 - label : label
    }

    func image(_ index: Int) throws(FileError) -> Image {
        if damaged.contains(index) { throw FileError("\(name)/\(index).png", "is damaged") }
        var generator = SplitMix64(mixing: 7, UInt64(index))
        let (width, height) = (32 + index, 48 - index)
        let pixels = (0..<width * height * 3).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        return try Image(width: width, height: height, channels: 3, pixels: pixels)
    }
}

/// A folder for one test, gone with this object.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("ecar-cache-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    subscript(_ name: String) -> URL { url.appendingPathComponent(name) }
}

/// Makes small caches.
struct CacheMaker {
    var pictures = FakePictures()
    var autoencoder = FakeAutoencoder()
    var settings = LatentEncoder.Settings(side: 16)
    var source = LatentCacheManifest.Source(name: "pictures", split: nil, pictures: 23)

    init() {
        (settings.isMirrored, settings.batchSize, settings.shardSize) = (true, 3, 8)
    }

    func encoder() throws -> LatentEncoder {
        var source = source
        if source.pictures == 23 { source.pictures = pictures.count }
        return try LatentEncoder(pictures, source: source, autoencoder: autoencoder, settings: settings)
    }

    @discardableResult
    func make(_ url: URL, isCancelled: () -> Bool = { false }, report: (LatentEncoder.Progress) -> Void = { _ in })
        throws -> LatentEncoder.Outcome
    {
        let encoder = try encoder()
        return try encoder.encode(into: encoder.open(url), isCancelled: isCancelled, report: report)
    }
}

/// A folder's files by name, hidden ones included.
func contents(_ folder: URL) throws -> [String: Data] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    return Dictionary(
        uniqueKeysWithValues: try names.map { ($0, try Data(contentsOf: folder.appendingPathComponent($0))) })
}
