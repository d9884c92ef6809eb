import Torch

/// The normal distribution that a set of features is taken for.
public struct GaussianStatistics: Sendable {
    public let mean: Tensor  // (D) float64
    /// With N − 1 in the denominator, as numpy.cov.
    public let covariance: Tensor  // (D, D) float64
    /// N, where it is known: files of statistics do not say.
    public let count: Int?

    /// D
    public var width: Int { mean.shape.first ?? 0 }

    /// Whether there were too few pictures for a covariance of full rank. The Fréchet distance can be computed, but
    /// says less, and is larger than that of more pictures.
    public var isRankDeficient: Bool { count.map { $0 <= width } ?? false }

    /// - Throws: ``TorchError`` where the shapes do not fit.
    public init(mean: Tensor, covariance: Tensor, count: Int? = nil) throws(TorchError) {
        guard mean.shape.count == 1, covariance.shape == [mean.count, mean.count] else {
            throw TorchError("a mean of shape \(mean.shape) does not go with a covariance of \(covariance.shape)")
        }
        self.mean = try mean.to(.float64, .cpu)
        self.covariance = try covariance.to(.float64, .cpu)
        self.count = count
    }

    /// The statistics of features (N, D), each row counted as often as `multiplicities` (N) says.
    ///
    /// - Throws: ``TorchError`` for fewer than two rows.
    public init(_ features: Tensor, multiplicities: [Int]? = nil) throws(TorchError) {
        guard let multiplicities else {
            var moments = Moments()
            try moments.add(features)
            self = try moments.statistics()
            return
        }
        let count = multiplicities.reduce(0, +)
        guard features.shape.count == 2, features.shape[0] == multiplicities.count, count > 1 else {
            throw TorchError(
                "\(multiplicities.count) multiplicities do not go with features of shape \(features.shape)")
        }
        let rows = try features.to(.float64, .cpu)
        let weights = try Tensor(multiplicities).to(.float64).reshape([-1, 1])  // (N, 1)
        let mean = try (rows * weights).sum(0) / Double(count)  // (D)
        let centred = try rows - mean  // (N, D)
        let products = try (centred * weights).transpose(0, 1).matmul(centred)  // (D, D)
        try self.init(mean: mean, covariance: products / Double(count - 1), count: count)
    }
}

/// Adds up the mean and covariance of features that come in batches, in float64.
///
/// Sums are of differences from the first rows' mean, so that features far from zero lose no digits, and of runs of a
/// fixed number of rows, so that the result does not depend on how these were batched.
public struct Moments {
    /// Rows so far.
    public private(set) var count = 0

    private static let run = 1024
    private var waiting: [Tensor] = []  // (…, D)
    private var waitingCount = 0
    private var sums: Sums?

    /// Of the differences from `shift`, over `count` rows.
    fileprivate struct Sums {
        var shift: Tensor  // (1, D)
        var sum: Tensor  // (D)
        var products: Tensor  // (D, D)
    }

    public init() {}

    /// - Parameter features: (B, D)
    /// - Throws: ``TorchError`` where D changes, or a value is not finite.
    public mutating func add(_ features: Tensor) throws(TorchError) {
        guard features.shape.count == 2, features.shape[1] > 0,
            features.shape[1] == sums?.sum.count ?? waiting.first?.shape[1] ?? features.shape[1]
        else {
            throw TorchError("features of shape \(features.shape) do not go with those before them")
        }
        guard try features.isFinite() else { throw TorchError("some features are not finite numbers") }
        count += features.shape[0]
        var start = 0
        while start < features.shape[0] {
            let length = min(Self.run - waitingCount, features.shape[0] - start)
            // A copy: a view would keep the whole batch alive.
            waiting.append(try features.narrow(0, start: start, length: length).to(.float64, .cpu).clone())
            (waitingCount, start) = (waitingCount + length, start + length)
            guard waitingCount == Self.run else { continue }
            sums = try added(try Tensor.cat(waiting, 0))
            (waiting, waitingCount) = ([], 0)
        }
    }

    /// - Throws: ``TorchError`` for fewer than two rows.
    public func statistics() throws(TorchError) -> GaussianStatistics {
        guard count >= 2 else {
            throw TorchError("statistics need at least 2 pictures, not \(count)")
        }
        let rest = waitingCount > 0 ? try added(try Tensor.cat(waiting, 0)) : sums
        guard let rest else { throw TorchError("statistics need at least 2 pictures") }
        let offset = try rest.sum / Double(count)  // (D)
        let outer = try rest.sum.reshape([-1, 1]) * offset  // (D, D)
        return try GaussianStatistics(
            mean: try rest.shift.reshape([-1]) + offset,
            covariance: try (rest.products - outer) / Double(count - 1), count: count)
    }

    private func added(_ rows: Tensor) throws(TorchError) -> Sums {
        guard let sums else { return try Sums(rows, shift: rows.mean(0, keeping: true)) }
        let new = try Sums(rows, shift: sums.shift)
        return Sums(shift: sums.shift, sum: try sums.sum + new.sum, products: try sums.products + new.products)
    }
}

extension Moments.Sums {
    fileprivate init(_ rows: Tensor, shift: Tensor) throws(TorchError) {
        let differences = try rows - shift  // (n, D)
        self.shift = shift
        sum = try differences.sum(0)
        products = try differences.transpose(0, 1).matmul(differences)
    }
}
