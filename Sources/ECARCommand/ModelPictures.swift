import Crypto
import ECAR
import ECAREvaluation
import ECARImages
import Files
import Foundation
import Torch
import TorchNN

/// Which classes a model is asked for.
typealias ClassChoice = EvaluationReport.Model.ClassChoice

extension ClassChoice {
    /// The class of a picture, which depends on nothing but its number.
    func label(_ index: Int, classes: Int, seed: UInt64) -> Int {
        switch self {
        case .balanced: return index % classes
        case .uniform:
            var generator = SplitMix64(mixing: seed, UInt64(index), 0x1AB)
            return generator.below(classes)
        }
    }
}

/// The pictures that a model makes to be judged, part by part, in as many processes as there are. With a folder, every part
/// that is done is kept there, and an evaluation that was stopped goes on behind it.
///
/// A picture depends on its number alone: neither parts nor processes nor batches change it.
struct ModelPictures {
    let maker: ImageMaker
    let count: Int
    let labels: ClassChoice
    let seed: UInt64
    let group: ProcessGroup?
    /// Where parts are kept; nil: nowhere.
    let folder: URL?
    /// How many of the first pictures are kept there as well.
    let kept: Int
    /// What reports call the model.
    let name: String

    private static let smallestPart = 64

    private var partSize: Int { max(Self.smallestPart, maker.batch) }
    private var description: ModelDescription { maker.directory.description }

    /// What a picture is made from.
    func request(_ index: Int) -> ImageRequest {
        let label = labels.label(index, classes: description.architecture.classes, seed: seed)
        return ImageRequest(class: label, className: description.classNames[label], seed: seed + UInt64(index))
    }

    /// Makes the pictures and looks at them.
    ///
    /// - Parameter progress: Called with the numbers of pictures that are done and wanted in this process.
    /// - Returns: What the network says of all of them, in every process; and the seconds that a picture took to make, nil
    ///   where all were there already.
    func features(
        _ network: some FeatureExtractor, progress: (_ done: Int, _ total: Int, _ note: String) -> Void
    ) throws -> (set: FeatureSet, secondsPerPicture: Double?) {
        let ranges = stride(from: 0, to: count, by: partSize).map { $0..<min($0 + partSize, count) }
        let (rank, processes) = (group?.rank ?? 0, group?.processes ?? 1)
        let own = ranges.indices.filter { $0 % processes == rank }
        let total = own.reduce(0) { $0 + ranges[$1].count }
        var (done, made, seconds) = (0, 0, 0.0)
        let folder = try partsFolder(network)
        if let folder {
            do {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            } catch {
                throw CommandError.failure("\(folder.path): the folder cannot be created or written")
            }
        }
        var parts: [Int: FeaturePart] = [:]
        for index in own {
            let (range, file) = (
                ranges[index], folder?.appendingPathComponent("\(ranges[index].lowerBound).safetensors")
            )
            if let file, let found = try FeaturePart.read(file, count: range.count, network: network) {
                parts[index] = found
            } else {
                let (part, time) = try make(range, network) { progress(done + $0, total, $1) }
                if let file { try part.write(to: file) }
                (parts[index], made, seconds) = (part, made + range.count, seconds + time)
            }
            done += range.count
            progress(done, total, "")
        }
        let all = try ranges.indices.map { index in
            guard let group else { return try parts[index] ?? FeaturePart(zeros: 0, network: network) }
            return try (parts[index] ?? FeaturePart(zeros: ranges[index].count, network: network)).sum(over: group)
        }
        let side = description.pictureSides.last ?? 0
        let set = FeatureSet(
            name: name, all: try .joined(all), labels: (0..<count).map { request($0).class },
            classNames: description.classNames, size: (side, side))
        return (set, made > 0 ? seconds / Double(made) : nil)
    }

    /// Makes a part. - Returns: What the network says of it, and the seconds that sampling took.
    private func make(
        _ range: Range<Int>, _ network: some FeatureExtractor, progress: (Int, String) -> Void
    ) throws -> (FeaturePart, Double) {
        var images: [Image] = []
        let steps = maker.settings.steps.reduce(0, +)
        var step = 0
        let stages = try maker.make(range.map(request)) {
            step = step % steps + 1
            progress(images.count, steps > 1 ? "step \(step)/\(steps)" : "")
        } deliver: { made in
            images.append(made.image)
            if let file = try picture(range.lowerBound + images.count - 1, network) {
                try made.image.write(to: file, text: metadata.single(made.request).text())
            }
        }
        let parts = try stride(from: 0, to: images.count, by: FeatureSet.batch).map { start in
            try FeaturePart(
                Array(images[start..<min(start + FeatureSet.batch, images.count)]), network: network, name: name)
        }
        return (try .joined(parts), stages.reduce(0, +))
    }

    // MARK: What is kept

    private var metadata: ImageMetadata {
        ImageMetadata(
            model: maker.directory.digest, autoencoder: maker.autoencoder, settings: maker.settings,
            precision: maker.precision)
    }

    /// All that the parts depend on.
    private struct Plan: Encodable {
        let metadata: ImageMetadata
        let labels: ClassChoice
        let seed: UInt64
        let network: String
        let partSize: Int
    }

    /// The folder of the parts; other pictures' parts are in other folders.
    private func partsFolder(_ network: some FeatureExtractor) throws -> URL? {
        guard let folder else { return nil }
        let plan = Plan(
            metadata: metadata, labels: labels, seed: seed, network: network.identity, partSize: partSize)
        let name = SHA256.hash(data: try StrictJSON.encode(plan)).hexadecimal.prefix(16)
        return folder.appendingPathComponent(String(name))
    }

    /// Takes the parts away, and their common folder with the last of them.
    func removeParts(_ network: some FeatureExtractor) throws {
        guard let folder, let own = try partsFolder(network) else { return }
        try? FileManager.default.removeItem(at: own)
        rmdir(folder.path)
    }

    /// Where one of the first pictures is kept; nil: nowhere.
    private func picture(_ index: Int, _ network: some FeatureExtractor) throws -> URL? {
        guard index < kept else { return nil }
        return try partsFolder(network)?.appendingPathComponent("\(index).png")
    }

    /// The first pictures, as they were kept, or made again where another machine has them.
    func firstPictures(_ network: some FeatureExtractor) throws -> [Image] {
        let range = 0..<min(kept, count)
        let found = try range.map { index -> Image? in
            guard let file = try picture(index, network), let bytes = try? Data(contentsOf: file) else { return nil }
            return try? Image.decode(bytes, name: file.path)
        }
        let missing = range.filter { found[$0] == nil }
        var made: [Int: Image] = [:]
        var places = missing.makeIterator()
        _ = try maker.make(missing.map(request), didStep: {}) { made[places.next() ?? 0] = $0.image }
        return range.compactMap { found[$0] ?? made[$0] }
    }
}
