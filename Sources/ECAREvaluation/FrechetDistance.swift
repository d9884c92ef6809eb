import Torch

/// The Fréchet distance between two normal distributions (Dowson and Landau 1982), as FID uses it (arXiv 1706.08500):
/// |μ₁ − μ₂|² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁Σ₂)^½.
///
/// With F Fᵀ = Σ, the last trace is the sum of the singular values of F₁ᵀF₂. So nothing but symmetric matrices is ever
/// decomposed, and the directions in which a covariance of too few pictures is zero drop out exactly; the square root of
/// a general matrix, which other programs take, is unstable there.
///
/// - Throws: ``TorchError`` where the widths differ, or the distance is beyond all numbers.
public func frechetDistance(_ a: GaussianStatistics, _ b: GaussianStatistics) throws(TorchError) -> Double {
    try frechetDistance(a, FrechetReference(b))
}

/// The side of a Fréchet distance that many others are compared with: half of the work, done once.
public struct FrechetReference: Sendable {
    public let statistics: GaussianStatistics
    fileprivate let factor: Tensor  // (D, r), F Fᵀ = Σ

    public init(_ statistics: GaussianStatistics) throws(TorchError) {
        self.statistics = statistics
        factor = try rootFactor(statistics.covariance)
    }
}

/// The same with a reference that was prepared before.
public func frechetDistance(
    _ a: GaussianStatistics, _ reference: FrechetReference
) throws(TorchError) -> Double {
    let b = reference.statistics
    guard a.width == b.width else {
        throw TorchError("statistics of \(a.width) and of \(b.width) features cannot be compared")
    }
    let cross = try rootFactor(a.covariance).transpose(0, 1).matmul(reference.factor)  // (r₁, r₂)
    let other = try cross.transpose(0, 1)  // (r₂, r₁)
    let gram = cross.shape[0] <= cross.shape[1] ? try cross.matmul(other) : try other.matmul(cross)  // (r, r)
    // Rounding may make a tiny eigenvalue negative.
    let root = try gram.symmetricEigen().values.clamp(0 ... .greatestFiniteMagnitude).sqrt().sum().item()
    let traces = try trace(a.covariance) + trace(b.covariance)
    let distance = try (a.mean - b.mean).square().sum().item() + traces - 2 * root
    guard distance.isFinite else {
        throw TorchError("the Fréchet distance of these statistics is no finite number: they are too large")
    }
    return distance
}

/// F of shape (D, r) with F Fᵀ the given covariance of rank r, as far as float64 can tell.
private func rootFactor(_ covariance: Tensor) throws(TorchError) -> Tensor {
    let (values, vectors) = try covariance.symmetricEigen()  // (D) ascending, (D, D)
    let width = values.count
    let spectrum = try values.doubles()
    let threshold = max(spectrum.last ?? 0, 0) * Double(width) * .ulpOfOne
    let rank = max(spectrum.count { $0 > threshold }, 1)
    let roots = try values.narrow(0, start: width - rank, length: rank).clamp(0 ... .greatestFiniteMagnitude).sqrt()
    return try vectors.narrow(1, start: width - rank, length: rank) * roots
}

private func trace(_ matrix: Tensor) throws(TorchError) -> Double {
    let side = matrix.shape[0]
    // Every (side + 1)th element is on the diagonal: a row of zeros turns it into a column.
    let values = try matrix.reshape([side * side]).padded([0, side]).reshape([side, side + 1])
    return try values.narrow(1, start: 0, length: 1).sum().item()
}
