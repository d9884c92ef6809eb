import Crypto
import ECARImages
import Foundation
import Torch

/// All that is known of one side of a comparison: what a network says of every picture, their classes, and a few of the
/// pictures themselves.
public struct FeatureSet {
    public let name: String
    /// Of every picture.
    public let all: FeaturePart
    public let labels: [Int]?  // (N)
    public let classNames: [String]?
    /// The pictures' width and height.
    public let size: (width: Int, height: Int)

    /// Batches that make good use of two to sixteen cores.
    public static let batch = 32

    public init(
        name: String, all: FeaturePart, labels: [Int]?, classNames: [String]?, size: (width: Int, height: Int)
    ) {
        (self.name, self.all, self.labels, self.classNames, self.size) = (name, all, labels, classNames, size)
    }

    /// Looks at all pictures of a source.
    ///
    /// - Parameter progress: Called with the number of pictures that are done.
    public init(
        _ source: some PictureSource, network: some FeatureExtractor, batch: Int = batch,
        progress: (Int) throws -> Void = { _ in }
    ) throws {
        var (parts, labels, done) = ([FeaturePart](), [Int](), 0)
        var first: Image?
        try source.forEach(batch: batch) { images, known in
            first = first ?? images.first
            try first?.checkSize(images, name: source.name)
            parts.append(try FeaturePart(images, network: network, name: source.name))
            labels += known ?? []
            done += images.count
            try progress(done)
        }
        self.init(
            name: source.name, all: try .joined(parts), labels: source.classNames == nil ? nil : labels,
            classNames: source.classNames, size: (first?.width ?? 0, first?.height ?? 0))
    }

    public var count: Int { all.count }

    /// SHA-256 over the SHA-256 of every picture, in hexadecimal.
    public var digest: String {
        get throws { SHA256.hash(data: try all.digests.bytes()).hexadecimal }
    }
}
