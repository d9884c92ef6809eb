import Crypto
import ECAR
import ECAREvaluation
import ECARImages
import ECARPictures
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

/// The pictures that a model makes to be judged, in as many processes as there are. With a folder, what is done is kept there,
/// part by part, and an evaluation that was stopped goes on behind it.
///
/// A picture depends on its number alone: neither parts nor processes nor batches change it.
struct ModelPictures {
    let maker: ImageMaker
    let network: any FeatureExtractor
    let count: Int
    let labels: ClassChoice
    let seed: UInt64
    let group: ProcessGroup?
    /// What reports call the model.
    let name: String
    /// How many of the first pictures are kept beside the parts.
    let kept: Int
    /// Where the parts are kept; nil: nowhere. What they depend on is in its name, so that others' are elsewhere.
    private let folder: URL?

    /// Pictures of a part: few, so that little is lost with one that was begun.
    private static let partSize = 16

    /// - Parameter folder: Where the parts' own folder will be; nil: they are not kept.
    init(
        maker: ImageMaker, network: any FeatureExtractor, count: Int, labels: ClassChoice, seed: UInt64,
        group: ProcessGroup?, name: String, kept: Int, folder: URL?
    ) throws {
        (self.maker, self.network, self.count, self.labels, self.seed) = (maker, network, count, labels, seed)
        (self.group, self.name, self.kept) = (group, name, kept)
        let plan = Plan(
            metadata: maker.metadata, labels: labels, seed: seed, network: network.identity, partSize: Self.partSize)
        let digest = SHA256.hash(data: try StrictJSON.encode(plan)).hexadecimal
        self.folder = folder?.appendingPathComponent(String(digest.prefix(16)))
    }

    /// All that the parts depend on.
    private struct Plan: Encodable {
        let metadata: ImageMetadata
        let labels: ClassChoice
        let seed: UInt64
        let network: String
        let partSize: Int
    }

    private var description: ModelDescription { maker.description }

    /// What a picture is made from.
    func request(_ index: Int) -> ImageRequest {
        let label = labels.label(index, classes: description.architecture.classes, seed: seed)
        return ImageRequest(class: label, className: description.classNames[label], seed: seed + UInt64(index))
    }

    // MARK: Making

    /// Makes the pictures and looks at them.
    ///
    /// - Parameter progress: Called with the numbers of pictures that are done and wanted in this process.
    /// - Returns: What the network says of all of them, in the first process, nil in the others; and the seconds that a
    ///   picture took to make, nil where all were there already.
    func features(
        progress: (_ done: Int, _ total: Int, _ note: String) -> Void
    ) throws -> (set: FeatureSet?, secondsPerPicture: Double?) {
        try makeFolder()
        let ranges = stride(from: 0, to: count, by: Self.partSize).map { $0..<min($0 + Self.partSize, count) }
        // As many parts at a time as make a batch.
        let run = max(1, maker.batch / Self.partSize)
        let (rank, processes) = (group?.rank ?? 0, group?.processes ?? 1)
        let own = ranges.indices.filter { $0 / run % processes == rank }
        let all = try FeaturePart(roomFor: count, network: network)
        var missing = try own.filter { index in
            guard let part = readPart(ranges[index]) else { return true }
            try all.copyInPlace(part, at: ranges[index].lowerBound)
            return false
        }
        let total = own.reduce(0) { $0 + ranges[$1].count }
        let wanted = missing.reduce(0) { $0 + ranges[$1].count }
        var (made, seconds) = (0, 0.0)
        while !missing.isEmpty {
            let next = missing.prefix(run)
            missing.removeFirst(next.count)
            let done = total - wanted + made
            let (images, time) = try images(next.flatMap { ranges[$0] }) { progress(done, total, $0) }
            var rest = images[...]
            for index in next {
                let part = try FeaturePart(Array(rest.prefix(ranges[index].count)), network: network, name: name)
                if let file = partFile(ranges[index]) { try part.write(to: file) }
                try all.copyInPlace(part, at: ranges[index].lowerBound)
                rest = rest.dropFirst(part.count)
            }
            (made, seconds) = (made + images.count, seconds + time)
            progress(total - wanted + made, total, "")
        }
        if let group { try all.sumInPlace(over: group) }
        let side = description.pictureSides.last ?? 0
        let set = FeatureSet(
            name: name, all: all, labels: (0..<count).map { request($0).class }, classNames: description.classNames,
            size: (side, side))
        return (rank == 0 ? set : nil, made > 0 ? seconds / Double(made) : nil)
    }

    /// Makes pictures. - Returns: The seconds that sampling took, too.
    private func images(_ numbers: [Int], progress: (String) -> Void) throws -> ([Image], Double) {
        var images: [Image] = []
        let steps = maker.settings.steps.reduce(0, +)
        var step = 0
        let stages = try maker.make(numbers.map(request)) {
            step = step % steps + 1
            progress(steps > 1 ? "step \(step)/\(steps)" : "")
        } deliver: { made in
            if let file = pictureFile(numbers[images.count]) {
                try made.image.write(to: file, text: maker.metadata.single(made.request).text())
            }
            images.append(made.image)
        }
        return (images, stages.reduce(0, +))
    }

    // MARK: What is kept

    private func makeFolder() throws {
        guard let folder else { return }
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw CommandError.failure("\(folder.path): the folder cannot be created or written")
        }
    }

    private func partFile(_ range: Range<Int>) -> URL? {
        folder?.appendingPathComponent("\(range.lowerBound).safetensors")
    }

    private func readPart(_ range: Range<Int>) -> FeaturePart? {
        partFile(range).flatMap { FeaturePart.read($0, count: range.count, network: network) }
    }

    /// Where one of the first pictures is kept; nil: nowhere.
    private func pictureFile(_ index: Int) -> URL? {
        index < kept ? folder?.appendingPathComponent("\(index).png") : nil
    }

    /// The first pictures, as they were kept, or made again where another machine has them.
    func firstPictures(_ number: Int) throws -> [Image] {
        let range = 0..<min(number, count)
        let found = range.map { index -> Image? in
            guard let file = pictureFile(index), let bytes = try? Data(contentsOf: file) else { return nil }
            return try? Image.decode(bytes, name: file.path)
        }
        let missing = range.filter { found[$0] == nil }
        let made = Dictionary(uniqueKeysWithValues: zip(missing, try images(missing) { _ in }.0))
        return range.compactMap { found[$0] ?? made[$0] }
    }

    /// Takes away what was kept, and the common folder with the last of it.
    func removeParts() {
        guard let folder else { return }
        try? FileManager.default.removeItem(at: folder)
        rmdir(folder.deletingLastPathComponent().path)
    }
}
