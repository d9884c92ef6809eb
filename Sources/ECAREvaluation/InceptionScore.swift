import ECARImages
import Foundation
import Torch

/// The Inception Score (arXiv 1606.03498 §4): exp of the mean divergence of the pictures' class probabilities from their
/// average, over splits of the set.
public struct InceptionScore: Sendable, Equatable, Codable {
    /// Over the splits.
    public let mean: Double
    /// Over the splits, with their number in the denominator; 0 for one split.
    public let standardDeviation: Double

    /// How the set is split into consecutive runs.
    public enum Splits: Sendable, Hashable {
        /// Runs of so many pictures, the last one shorter. guided-diffusion: 5000.
        case size(Int)
        /// So many runs, as equal as can be. The paper and torch-fidelity: 10.
        case count(Int)
    }

    /// - Parameters:
    ///   - probabilities: (N, K)
    ///   - shuffle: the seed of a random order. Without it the pictures are split in the order in which they come, as
    ///     guided-diffusion does, which is wrong for pictures that are sorted by class.
    /// - Throws: ``TorchError`` for no pictures, or more splits than pictures.
    public init(_ probabilities: Tensor, splits: Splits = .size(5000), shuffle: UInt64? = nil) throws(TorchError) {
        let shape = probabilities.shape
        guard shape.count == 2, shape[0] > 0, shape[1] > 0 else {
            throw TorchError("an Inception Score needs probabilities of shape (N, K), not \(shape)")
        }
        var rows = probabilities
        if let shuffle {
            var generator = SplitMix64(seed: shuffle)
            rows = try rows.gather(0, try Tensor(generator.permutation(shape[0]), device: rows.device))
        }
        var scores: [Double] = []
        for range in try Self.ranges(splits, count: shape[0]) {
            scores.append(try Self.score(try rows.narrow(0, start: range.lowerBound, length: range.count)))
        }
        (mean, standardDeviation) = meanAndDeviation(scores)
    }

    private static func ranges(_ splits: Splits, count: Int) throws(TorchError) -> [Range<Int>] {
        switch splits {
        case .size(let size):
            guard size > 0 else { throw TorchError("a split cannot have \(size) pictures") }
            return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
        case .count(let number):
            guard (1...count).contains(number) else {
                throw TorchError("\(count) pictures cannot be split into \(number)")
            }
            return (0..<number).map { $0 * count / number..<($0 + 1) * count / number }
        }
    }

    private static func score(_ part: Tensor) throws(TorchError) -> Double {
        let p = try part.to(.float64, .cpu)  // (n, K)
        // 0 · log 0 is 0, so where p is 0 any finite logarithm will do.
        let positive = Double.leastNormalMagnitude...1
        let divergence = try p * (p.clamp(positive).log() - p.mean(0, keeping: true).clamp(positive).log())  // (n, K)
        return exp(try divergence.sum(1).mean().item())
    }
}

/// The mean, and the deviation with the number of values in the denominator.
func meanAndDeviation(_ values: [Double]) -> (mean: Double, deviation: Double) {
    guard !values.isEmpty else { return (.nan, .nan) }
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    return (mean, variance.squareRoot())
}
