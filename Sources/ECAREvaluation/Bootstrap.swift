import ECARImages
import Torch

/// The standard error of the mean of values that pictures have of their own, such as being in the right class: the
/// bootstrap's limit, without drawing.
///
/// Of precision's and recall's indicators it is the error of the set that is asked about; the other set, which spans the
/// manifold, is taken as given.
///
/// - Returns: nil for fewer than two values.
public func standardError(ofMean values: [Double]) -> Double? {
    guard values.count >= 2 else { return nil }
    let deviation = meanAndDeviation(values).deviation
    return deviation / Double(values.count - 1).squareRoot()
}

public func standardError(ofMean flags: [Bool]) -> Double? {
    standardError(ofMean: flags.map { $0 ? 1 : 0 })
}

/// The standard error of a statistic of N pictures: its deviation over sets drawn from them with replacement (Efron 1979).
///
/// Use it as an error and nothing else: the mean over such sets is no better estimate. Distances between sets are even
/// biased upward in it, since a set drawn with replacement is less varied than its origin.
///
/// - Parameters:
///   - count: N
///   - rounds: at least 2.
///   - statistic: of a set in which each picture comes as often as its number says.
public func bootstrapError(
    count: Int, rounds: Int = 200, seed: UInt64, _ statistic: (_ multiplicities: [Int]) throws(TorchError) -> Double
) throws(TorchError) -> Double {
    guard count >= 2, rounds >= 2 else {
        throw TorchError("a bootstrap needs 2 pictures and 2 rounds, not \(count) and \(rounds)")
    }
    var generator = SplitMix64(seed: seed)
    var values: [Double] = []
    for _ in 0..<rounds {
        var multiplicities = [Int](repeating: 0, count: count)
        for _ in 0..<count { multiplicities[generator.below(count)] += 1 }
        values.append(try statistic(multiplicities))
    }
    return meanAndDeviation(values).deviation * (Double(rounds) / Double(rounds - 1)).squareRoot()
}

/// The standard error of the Fréchet distance of features (N, D) to a reference, which is taken as given.
///
/// It is too large where the distance is not far from 0, as any bootstrap of a squared distance. Every round decomposes
/// matrices of D × D, so this is for features of a few hundred numbers.
public func frechetError(
    of features: Tensor, to reference: FrechetReference, rounds: Int = 200, seed: UInt64
) throws(TorchError) -> Double {
    let rows = try features.to(.float64, .cpu)
    return try bootstrapError(count: rows.shape.first ?? 0, rounds: rounds, seed: seed) {
        (multiplicities) throws(TorchError) in
        try frechetDistance(GaussianStatistics(rows, multiplicities: multiplicities), reference)
    }
}
