import Crypto
import ECARImages
import Files
import Foundation
import Torch

/// What a network says of some consecutive pictures, and what it takes to tell these from others: a piece of work that can be
/// kept in a file, and sent to another process.
public struct FeaturePart {
    public let features: Tensor  // (n, D)
    public let spatial: Tensor  // (n, S)
    public let probabilities: Tensor  // (n, K)
    /// The SHA-256 of every picture.
    public let digests: Tensor  // (n, 32) uint8

    public var count: Int { features.shape[0] }

    private static let names = ["features", "spatial", "probabilities", "digests"]
    private var tensors: [Tensor] { [features, spatial, probabilities, digests] }

    private init(_ tensors: [Tensor]) {
        (features, spatial, probabilities, digests) = (tensors[0], tensors[1], tensors[2], tensors[3])
    }

    /// Looks at pictures of one size.
    ///
    /// - Throws: `FileError` where the sizes differ; what the network throws.
    public init(_ images: [Image], network: some FeatureExtractor, name: String) throws {
        guard let first = images.first else { throw FileError(name, "holds no pictures") }
        try first.checkSize(images, name: name)
        let channels = images.contains { $0.channels == 3 } ? 3 : 1
        let planes = try images.flatMap { try $0.converted(channels: channels).planes }
        let pictures = try Tensor(
            bytes: planes, shape: [images.count, channels, first.height, first.width], dtype: .uint8,
            device: network.device)
        let found = try network(pictures)
        let (count, sizes) = (images.count, network.sizes)
        let digests = images.flatMap(\.digest)
        self.init([
            try found.features.to(.cpu), try (found.spatial ?? .zeros([count, sizes.spatial])).to(.cpu),
            try (found.probabilities ?? .zeros([count, sizes.classes])).to(.cpu),
            try Tensor(bytes: digests, shape: [count, SHA256.byteCount], dtype: .uint8),
        ])
    }

    /// Zeros, as room for parts of so many pictures in all: results that were kept one by one between a network's large
    /// tensors would scatter the memory that these need again.
    public init(roomFor count: Int, network: some FeatureExtractor) throws(TorchError) {
        self.init(
            try Self.layout(count, network).map { (shape, dtype) throws(TorchError) in
                try .zeros(shape, dtype: dtype)
            })
    }

    /// The shapes and types of the tensors, in their order.
    private static func layout(_ count: Int, _ network: some FeatureExtractor) -> [(shape: [Int], dtype: DType)] {
        let sizes = network.sizes
        return [
            ([count, sizes.features], .float32), ([count, sizes.spatial], .float32),
            ([count, sizes.classes], .float32), ([count, SHA256.byteCount], .uint8),
        ]
    }

    /// Puts another part into the rows from `start` on.
    public func copyInPlace(_ part: FeaturePart, at start: Int) throws(TorchError) {
        for (all, rows) in zip(tensors, part.tensors) {
            try all.narrow(0, start: start, length: part.count).copyInPlace(rows)
        }
    }

    // MARK: Files

    /// Writes the part; the file appears whole or not at all.
    public func write(to url: URL) throws {
        try SafeTensors.write(Array(zip(Self.names, tensors)), to: url)
    }

    /// Reads a part.
    ///
    /// - Returns: nil where there is none, or one that is damaged or of another network or number of pictures.
    public static func read(_ url: URL, count: Int, network: some FeatureExtractor) -> FeaturePart? {
        guard let file = try? SafeTensors.read(url).tensors else { return nil }
        let found = names.compactMap { file[$0] }
        let wanted = layout(count, network)
        guard found.map(\.shape) == wanted.map(\.shape), found.map(\.dtype) == wanted.map(\.dtype) else { return nil }
        return FeaturePart(found)
    }
}

extension FeaturePart {
    private static let rowsOfASum = 4096

    /// Adds up the parts of several processes, each of which has zeros where another one has numbers.
    public func sumInPlace(over group: ProcessGroup) throws {
        for start in stride(from: 0, to: count, by: Self.rowsOfASum) {
            let rows = try tensors.map { try $0.narrow(0, start: start, length: min(Self.rowsOfASum, count - start)) }
            let sums = try rows.map { try $0.to(.float32).clone() }
            try group.sumInPlace(sums.filter { $0.count > 0 })
            for (row, sum) in zip(rows, sums) { try row.copyInPlace(sum.to(row.dtype)) }
        }
    }
}

extension Image {
    /// SHA-256 over the sizes and the pixels.
    fileprivate var digest: [UInt8] {
        var hash = SHA256()
        hash.update(data: Data("\(width)×\(height)×\(channels)".utf8))
        hash.update(data: pixels)
        return Array(hash.finalize())
    }

    /// - Throws: `FileError` where one of the pictures has another size.
    func checkSize(_ images: [Image], name: String) throws(FileError) {
        guard let other = images.first(where: { ($0.width, $0.height) != (width, height) }) else { return }
        throw FileError(
            name, "holds pictures of different sizes, \(width)×\(height) and \(other.width)×\(other.height)",
            remedy: "All pictures of a side must have one size; --fit gives it to real ones")
    }
}
