import Crypto
import ECAR
import ECARImages
import Foundation
import Torch

/// All that is known of one side of a comparison: what a network says of every picture, and their classes.
public struct FeatureSet {
    /// The path or name that the user knows the pictures by.
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
        let all = try FeaturePart(roomFor: source.count, network: network)
        var done = 0
        var labels: [Int]?
        var first: Image?
        try source.forEach(batch: batch) { images, known in
            first = first ?? images.first
            try first?.checkSize(images, name: source.name)
            try all.copyInPlace(FeaturePart(images, network: network, name: source.name), at: done)
            if let known { labels = (labels ?? []) + known }
            done += images.count
            try progress(done)
        }
        self.init(
            name: source.name, all: all, labels: labels, classNames: source.classNames,
            size: (first?.width ?? 0, first?.height ?? 0))
    }

    public var count: Int { all.count }

    /// The same under another name.
    public func named(_ name: String) -> FeatureSet {
        FeatureSet(name: name, all: all, labels: labels, classNames: classNames, size: size)
    }

    /// The same pictures with their labels in the order of a network's classes, known by their names; without labels where
    /// a class of theirs is none of the network's.
    public func labelled(by names: [String]) -> FeatureSet {
        let table = Self.translation(of: classNames, to: names)
        let found = labels?.compactMap { table.indices.contains($0) ? table[$0] : nil }
        let isComplete = found?.count == count
        return FeatureSet(name: name, all: all, labels: isComplete ? found : nil, classNames: names, size: size)
    }

    /// What number a class has among others; nil where it is not among them.
    ///
    /// Names say it, however they are written (``ClassName``). Where a data set has numbers for names, as the MNIST family, these say it; and where the others have
    /// nothing but numbers, the place among as many classes.
    public static func translation(of classNames: [String]?, to names: [String]) -> [Int?] {
        guard let classNames else { return Array(names.indices) }
        let known = ClassName.places(of: classNames, among: names)
        guard known.contains(nil) else { return known }
        let numbers = classNames.map { Int($0) }
        if !numbers.contains(nil) { return numbers.map { $0.flatMap { names.indices.contains($0) ? $0 : nil } } }
        let areNumbered = names == names.indices.map(String.init)
        return areNumbered && names.count == classNames.count ? Array(names.indices) : known
    }

    /// The name of a picture's class, or its number; nil where it is not known.
    public func className(_ index: Int) -> String? {
        labels.map { labels in
            classNames.flatMap { $0.indices.contains(labels[index]) ? $0[labels[index]] : nil } ?? "\(labels[index])"
        }
    }

    /// SHA-256 over the SHA-256 of every picture, in hexadecimal.
    public var digest: String {
        get throws { SHA256.hash(data: try all.digests.bytes()).hexadecimal }
    }
}
