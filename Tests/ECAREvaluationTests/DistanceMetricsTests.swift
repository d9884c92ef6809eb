import ECAREvaluation
import ECARImages
import TestSupport
import Testing
import Torch

/// The Fréchet and kernel distances and what they are made of, against other programs (Scripts/metric_fixtures.py).
@Suite struct DistanceMetricsTests {
    private let fixture: TensorFile
    private let real: Tensor  // (300, 24)
    private let generated: Tensor  // (260, 24)

    init() throws {
        fixture = try TensorFile("metrics")
        real = try fixture["real"]
        generated = try fixture["generated"]
    }

    private func expectClose(
        _ value: Double, _ expected: Tensor, tolerance: Double, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let expected = try expected.item()
        #expect(abs(value / expected - 1) <= tolerance, "\(value), not \(expected)", sourceLocation: sourceLocation)
    }

    /// Draws of one distribution, whatever the seed.
    private func features(_ count: Int, _ width: Int, seed: UInt64) throws -> Tensor {
        let scales = try Tensor.rand([width], generator: Generator(seed: 99))
        return try Tensor.randn([count, width], generator: Generator(seed: seed)) * scales + 30
    }

    // MARK: Statistics

    @Test func momentsAreThoseOfNumPy() throws {
        let statistics = try GaussianStatistics(real)
        try expectEqual(statistics.mean, fixture["mean"], tolerance: 1e-13)
        try expectEqual(statistics.covariance, fixture["covariance"], tolerance: 1e-12)
        #expect(statistics.width == 24)
    }

    /// More rows than are added up at once.
    @Test(arguments: [1024, 1025, 2500]) func momentsOfManyRows(count: Int) throws {
        let rows = try features(count, 5, seed: 1)
        let found = try GaussianStatistics(rows)
        let precise = try rows.to(.float64) - rows.to(.float64).mean(0, keeping: true)
        let expected = try precise.transpose(0, 1).matmul(precise) / Double(count - 1)
        try expectEqual(found.mean, rows.to(.float64).mean(0), tolerance: 1e-13)
        try expectEqual(found.covariance, expected, tolerance: 1e-12)
        let twice = try GaussianStatistics(rows, multiplicities: Array(repeating: 2, count: count))
        try expectEqual(twice.mean, found.mean, tolerance: 1e-13)
        let factor = Double(2 * (count - 1)) / Double(2 * count - 1)
        try expectEqual(twice.covariance, expected * factor, tolerance: 1e-12)
    }

    @Test func multiplicitiesAreRepetitions() throws {
        let rows = try features(4, 3, seed: 2)
        let repeated = try GaussianStatistics(rows.gather(0, Tensor([0, 2, 2, 2, 3])))
        let weighted = try GaussianStatistics(rows, multiplicities: [1, 0, 3, 1])
        try expectEqual(weighted.mean, repeated.mean, tolerance: 1e-13)
        try expectEqual(weighted.covariance, repeated.covariance, tolerance: 1e-12)
    }

    @Test func refusesWrongFeatures() throws {
        #expect(throws: TorchError.self) { try GaussianStatistics(features(1, 3, seed: 1)) }
        #expect(throws: TorchError.self) { try GaussianStatistics(Tensor([1, .nan, 2, 3], shape: [2, 2])) }
        #expect(throws: TorchError.self) { try GaussianStatistics(Tensor([1, 2], shape: [2])) }
        #expect(throws: TorchError.self) { try GaussianStatistics(real, multiplicities: [1, 2]) }
        #expect(throws: TorchError.self) { try GaussianStatistics(features(3, 3, seed: 1), multiplicities: [1, 0, 0]) }
    }

    // MARK: Fréchet distance

    @Test func frechetDistanceIsThatOfPytorchFID() throws {
        let (a, b) = (try GaussianStatistics(real), try GaussianStatistics(generated))
        try expectClose(try frechetDistance(a, b), fixture["frechet"], tolerance: 1e-8)
        try expectClose(try frechetDistance(b, a), fixture["frechet"], tolerance: 1e-8)
        try expectClose(try frechetDistance(b, FrechetReference(a)), fixture["frechet"], tolerance: 1e-8)
    }

    /// Fewer pictures than features: both covariances are singular.
    @Test func frechetDistanceOfFewPictures() throws {
        let few = try GaussianStatistics(fixture["few"])
        try expectClose(try frechetDistance(GaussianStatistics(real), few), fixture["frechet_few"], tolerance: 1e-7)
        let total = try fixture["covariance"].abs().sum().item()
        #expect(abs(try frechetDistance(few, few)) < 1e-12 * total)
        let same = try GaussianStatistics(Tensor.full([3, 24], 2))
        #expect(try frechetDistance(same, same) == 0)
    }

    /// Of independent features it is Σ (μ₁ − μ₂)² + (σ₁ − σ₂)².
    @Test func frechetDistanceOfDiagonals() throws {
        func diagonal(_ mean: [Float], _ deviations: [Float]) throws -> GaussianStatistics {
            let matrix: [Float] = [deviations[0] * deviations[0], 0, 0, deviations[1] * deviations[1]]
            return try GaussianStatistics(mean: Tensor(mean, shape: [2]), covariance: Tensor(matrix, shape: [2, 2]))
        }
        let (a, b) = (try diagonal([0, 1], [3, 0]), try diagonal([2, 1], [1, 4]))
        #expect(abs(try frechetDistance(a, b) - (4 + 4 + 16)) < 1e-12)
        let wide = try GaussianStatistics(real)
        let error = #expect(throws: TorchError.self) { try frechetDistance(a, wide) }
        #expect(error?.message.contains("2 and of 24") == true)
    }

    @Test(arguments: [(1e200, 1), (0, 1.5e308)]) func distancesBeyondAllNumbersAreRefused(
        mean: Double, variance: Double
    ) throws {
        let large = try GaussianStatistics(
            mean: Tensor(bytes: [mean, mean], shape: [2], dtype: .float64),
            covariance: Tensor(bytes: [variance, 0, 0, variance], shape: [2, 2], dtype: .float64))
        let small = try GaussianStatistics(features(9, 2, seed: 1))
        #expect(throws: TorchError.self) { try frechetDistance(small, large) }
        #expect(throws: TorchError.self) { try frechetDistance(large, small) }
    }

    // MARK: Kernel distance

    @Test func kernelDistanceIsThatOfTorchFidelity() throws {
        let (a, b) = (try (real - 20).narrow(0, start: 0, length: 260), try generated - 20)
        let distance = try KernelDistance(a, b, subsets: 1, subsetSize: 1000, seed: 5)
        try expectClose(distance.mean, fixture["kernel"], tolerance: 1e-5)
        #expect(distance.subsetSize == 260 && distance.standardDeviation == 0)
    }

    @Test func kernelDistanceOfSubsets() throws {
        let (a, b) = (try features(400, 6, seed: 3) - 30, try features(300, 6, seed: 4) - 30)
        let distance = try KernelDistance(a, b, subsets: 50, subsetSize: 100, seed: 5)
        #expect(try KernelDistance(a, b, subsets: 50, subsetSize: 100, seed: 5) == distance)
        #expect(try KernelDistance(a, b, subsets: 50, subsetSize: 100, seed: 6) != distance)
        // Two draws of one distribution: 0 within the deviation of the mean.
        #expect(abs(distance.mean) < distance.standardDeviation && distance.standardDeviation > 0)
        #expect(try KernelDistance(a, b + 1, subsets: 50, subsetSize: 100, seed: 5).mean > 0.1)
        #expect(throws: TorchError.self) { try KernelDistance(a, b.narrow(0, start: 0, length: 1), seed: 1) }
        #expect(throws: TorchError.self) { try KernelDistance(a, b.narrow(1, start: 0, length: 5), seed: 1) }
    }

    /// The standard error that a pair of sets reports is the scatter over many pairs.
    @Test func errorOfAKernelDistance() throws {
        let found = try (0..<40).map { (round: UInt64) in
            try KernelDistance(
                features(300, 6, seed: 2 * round), features(300, 6, seed: 2 * round + 1) + 1, subsets: 40,
                subsetSize: 60,
                seed: round)
        }
        let mean = found.map(\.mean).reduce(0, +) / 40
        let scatter = (found.map { ($0.mean - mean) * ($0.mean - mean) }.reduce(0, +) / 39).squareRoot()
        let reported = found.compactMap(\.standardError).reduce(0, +) / 40
        #expect(scatter / reported > 0.7 && scatter / reported < 1.4, "\(scatter) and \(reported)")
        let few = try KernelDistance(features(300, 6, seed: 1), features(300, 6, seed: 2), subsetSize: 200, seed: 1)
        #expect(few.standardError == nil)
    }

    // MARK: Errors

    @Test func errorOfAMean() throws {
        #expect(standardError(ofMean: [1.0]) == nil)
        #expect(standardError(ofMean: [1.0, 3.0]) == 1)
        let flags = (0..<100).map { $0 < 20 }
        let error = try #require(standardError(ofMean: flags))
        #expect(abs(error - (0.2 * 0.8 / 99).squareRoot()) < 1e-12)
        let drawn = try bootstrapError(count: 100, rounds: 2000, seed: 1) { multiplicities in
            Double(zip(multiplicities, flags).reduce(0) { $0 + ($1.1 ? $1.0 : 0) }) / 100
        }
        #expect(abs(drawn / error - 1) < 0.06)
        #expect(throws: TorchError.self) { try bootstrapError(count: 1, seed: 1) { _ in 0 } }
    }

    /// The bootstrap's error is that of sets really drawn anew.
    @Test func errorOfAFrechetDistance() throws {
        let reference = try FrechetReference(GaussianStatistics(features(4000, 4, seed: 1) + 0.5))
        let distances = try (2..<62).map {
            try frechetDistance(GaussianStatistics(features(200, 4, seed: $0)), reference)
        }
        let mean = distances.reduce(0, +) / 60
        let deviation = (distances.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 59).squareRoot()
        let estimates = try (2..<8).map { try frechetError(of: features(200, 4, seed: $0), to: reference, seed: 1) }
        let estimate = estimates.reduce(0, +) / 6
        #expect(abs(estimate / deviation - 1) < 0.25, "\(estimate) instead of \(deviation)")
    }
}
