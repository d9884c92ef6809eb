import ECARImages
import Torch

/// The Kernel Inception Distance (arXiv 1801.01401 §4): the squared maximum mean discrepancy, without bias, under the
/// kernel (x·y / D + 1)³. Slightly below 0 where the sets do not differ.
public struct KernelDistance: Sendable, Equatable, Codable {
    /// Over the subsets.
    public let mean: Double
    /// Over the subsets, with their number in the denominator.
    public let standardDeviation: Double
    /// Pictures of each set in a subset.
    public let subsetSize: Int
    /// Pictures of the smaller set.
    private let pictures: Int

    /// About the standard error of the mean; nil where the subsets are more than half of a set.
    ///
    /// Subsets of m of N pictures have the variance σ²(1/m − 1/N) about the value of the whole sets, whose own is σ²/N.
    public var standardError: Double? {
        guard 2 * subsetSize <= pictures else { return nil }
        let part = Double(subsetSize) / Double(pictures)
        return standardDeviation * (part / (1 - part)).squareRoot()
    }

    /// Compares random subsets of both sets.
    ///
    /// - Parameters:
    ///   - a, b: (N, D) and (M, D)
    ///   - subsetSize: smaller where a set has fewer pictures.
    /// - Throws: ``TorchError`` for other shapes, or fewer than two pictures in a set.
    public init(
        _ a: Tensor, _ b: Tensor, subsets: Int = 100, subsetSize: Int = 1000, seed: UInt64
    ) throws(TorchError) {
        try checkFeatures(a, b)
        let size = min(subsetSize, a.shape[0], b.shape[0])
        guard size >= 2, subsets >= 1 else {
            throw TorchError("a kernel distance needs a subset of 2 pictures or more, not \(subsets) of \(size)")
        }
        var generator = SplitMix64(seed: seed)
        var values: [Double] = []
        for _ in 0..<subsets {
            var parts: [Tensor] = []
            for set in [a, b] {
                let chosen = Array(generator.permutation(set.shape[0]).prefix(size))
                parts.append(try set.gather(0, try Tensor(chosen, device: set.device)))
            }
            values.append(try Self.squaredDiscrepancy(parts[0], parts[1]))
        }
        (mean, standardDeviation) = meanAndDeviation(values)
        (self.subsetSize, pictures) = (size, min(a.shape[0], b.shape[0]))
    }

    /// Of two sets of the same size m: Σ k(x, x′) / m(m−1) + Σ k(y, y′) / m(m−1) − 2 Σ k(x, y) / m², pairs of a picture
    /// with itself left out of the first two sums.
    static func squaredDiscrepancy(_ a: Tensor, _ b: Tensor) throws(TorchError) -> Double {
        let size = Double(a.shape[0])
        let within = try sum(a, a) - diagonal(a) + sum(b, b) - diagonal(b)
        return try within / (size * (size - 1)) - 2 * sum(a, b) / (size * size)
    }

    /// Products in the features' float32, everything after them in float64.
    private static func sum(_ a: Tensor, _ b: Tensor) throws(TorchError) -> Double {
        try cubed(try a.matmul(try b.transpose(0, 1)), width: a.shape[1])
    }

    private static func diagonal(_ a: Tensor) throws(TorchError) -> Double {
        try cubed(try a.to(.float64, .cpu).square().sum(1), width: a.shape[1])
    }

    private static func cubed(_ products: Tensor, width: Int) throws(TorchError) -> Double {
        let kernel = try products.to(.float64, .cpu) / Double(width) + 1
        return try (kernel.square() * kernel).sum().item()
    }
}

/// - Throws: ``TorchError`` unless the shapes are (N, D) and (M, D), with nothing in them 0.
func checkFeatures(_ a: Tensor, _ b: Tensor) throws(TorchError) {
    guard a.shape.count == 2, b.shape.count == 2, a.shape[1] == b.shape[1], a.count > 0, b.count > 0 else {
        throw TorchError("features of shapes \(a.shape) and \(b.shape) cannot be compared")
    }
}
