import Torch

/// The normal distribution that a set of features is taken for.
public struct GaussianStatistics: Sendable {
    public let mean: Tensor  // (D) float64
    /// With N − 1 in the denominator, as numpy.cov.
    public let covariance: Tensor  // (D, D) float64

    /// D
    public var width: Int { mean.shape.first ?? 0 }

    /// - Throws: ``TorchError`` where the shapes do not fit.
    public init(mean: Tensor, covariance: Tensor) throws(TorchError) {
        guard mean.shape.count == 1, covariance.shape == [mean.count, mean.count] else {
            throw TorchError("a mean of shape \(mean.shape) does not go with a covariance of \(covariance.shape)")
        }
        self.mean = try mean.to(.float64, .cpu)
        self.covariance = try covariance.to(.float64, .cpu)
    }

    /// Rows that are added up at once: all of them in float64 would take much memory.
    private static let run = 1024

    /// The statistics of features, added up in float64, of differences from the first rows' mean: so features far from zero
    /// lose no digits.
    ///
    /// - Parameters:
    ///   - features: (N, D)
    ///   - multiplicities: (N), how often each row counts; without them, once.
    /// - Throws: ``TorchError`` for other shapes, fewer than two rows, or values that are not finite.
    public init(_ features: Tensor, multiplicities: [Int]? = nil) throws(TorchError) {
        let shape = features.shape
        guard shape.count == 2, shape[1] > 0 else { throw TorchError("features of shape \(shape) have no statistics") }
        guard multiplicities.map({ $0.count == shape[0] }) ?? true else {
            throw TorchError("\(multiplicities?.count ?? 0) multiplicities do not go with features of shape \(shape)")
        }
        let count = multiplicities?.reduce(0, +) ?? shape[0]
        guard count >= 2 else { throw TorchError("statistics need at least 2 pictures, not \(count)") }
        guard try features.isFinite() else { throw TorchError("some features are not finite numbers") }

        func rows(_ range: Range<Int>) throws(TorchError) -> Tensor {
            try features.narrow(0, start: range.lowerBound, length: range.count).to(.float64, .cpu)
        }
        let shift = try rows(0..<min(Self.run, shape[0])).mean(0, keeping: true)  // (1, D)
        var sum = try Tensor.zeros([shape[1]], dtype: .float64)
        var products = try Tensor.zeros([shape[1], shape[1]], dtype: .float64)
        for start in stride(from: 0, to: shape[0], by: Self.run) {
            let range = start..<min(start + Self.run, shape[0])
            let differences = try rows(range) - shift  // (n, D)
            let weighted = try multiplicities.map { (all) throws(TorchError) in
                try differences * Tensor(Array(all[range])).to(.float64).reshape([-1, 1])
            }
            sum = try sum + (weighted ?? differences).sum(0)
            products = try products + (weighted ?? differences).transpose(0, 1).matmul(differences)
        }
        let offset = try sum / Double(count)  // (D)
        let outer = try sum.reshape([-1, 1]) * offset  // (D, D)
        try self.init(
            mean: try shift.reshape([-1]) + offset, covariance: try (products - outer) / Double(count - 1))
    }
}
