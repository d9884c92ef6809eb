import ECAREvaluation
import TestSupport
import Testing
import Torch

/// Neighbours, precision and recall, and the Inception Score, against other programs (Scripts/metric_fixtures.py).
@Suite struct ManifoldMetricsTests {
    private let fixture: TensorFile
    private let real: Tensor  // (300, 24)
    private let generated: Tensor  // (260, 24)

    init() throws {
        fixture = try TensorFile("metrics")
        real = try fixture["real"]
        generated = try fixture["generated"]
    }

    // MARK: Precision and recall

    @Test func precisionAndRecallAreThoseOfGuidedDiffusion() throws {
        let scores = try PrecisionRecall(generated: generated, reference: FeatureManifold(real))
        #expect(try scores.precise == fixture["precise"].integers().map { $0 == 1 })
        #expect(try scores.recalled == fixture["recalled"].integers().map { $0 == 1 })
        let expected = try fixture["precision_recall"].doubles()  // torch-fidelity's, in float32
        #expect(abs(scores.precision - expected[0]) < 1e-6 && abs(scores.recall - expected[1]) < 1e-6)
    }

    /// Sets of several blocks, against all distances at once.
    @Test func blocksDoNotMatter() throws {
        let generator = try Generator(seed: 1)
        let real = try Tensor.randn([2100, 6], generator: generator)
        let generated = try Tensor.randn([4200, 6], generator: generator) * 1.2 + 0.5
        func squared(_ a: Tensor, _ b: Tensor) throws -> Tensor {
            let (a, b) = (try a.to(.float64), try b.to(.float64))
            let products = try a.matmul(b.transpose(0, 1)) * -2
            return try products + a.square().sum(1, keeping: true) + b.square().sum(1)
        }
        func radii(_ set: Tensor) throws -> Tensor {
            try squared(set, set).smallest(4).values.narrow(1, start: 3, length: 1)
        }
        let between = try squared(real, generated)
        let precise = try between.isAtMost(radii(real)).max(0).integers().map { $0 == 1 }
        let recalled = try between.isAtMost(radii(generated).reshape([-1])).max(1).integers().map { $0 == 1 }
        let scores = try PrecisionRecall(generated: generated, reference: FeatureManifold(real))
        // Of thousands of pictures, one may lie on an edge that float32 does not see.
        #expect(zip(scores.precise, precise).count { $0 != $1 } <= 1)
        #expect(zip(scores.recalled, recalled).count { $0 != $1 } <= 1)
        #expect((0.3...0.95).contains(scores.precision) && (0.3...0.99).contains(scores.recall))
    }

    @Test func copiesLieInTheManifold() throws {
        // Far from zero, and each picture more often than there are neighbours: all radii are zero.
        let rows = try real.narrow(0, start: 0, length: 40) + 1000
        let copies = try Tensor.cat([rows, rows, rows, rows, rows], 0)
        let scores = try PrecisionRecall(generated: rows, reference: FeatureManifold(copies))
        #expect(scores.precision == 1 && scores.recall == 1)
        let own = try PrecisionRecall(generated: copies, reference: FeatureManifold(copies))
        #expect(own.precision == 1 && own.recall == 1)
        let apart = try PrecisionRecall(generated: generated + 500, reference: FeatureManifold(real))
        #expect(apart.precision == 0 && apart.recall == 0)
    }

    @Test func refusesWrongSets() throws {
        let manifold = try FeatureManifold(real)
        #expect(manifold.count == 300)
        #expect(throws: TorchError.self) { try FeatureManifold(real.narrow(0, start: 0, length: 3)) }
        #expect(throws: TorchError.self) { try FeatureManifold(real, neighbours: 0) }
        #expect(throws: TorchError.self) { try FeatureManifold(real / 0) }
        #expect(throws: TorchError.self) { try PrecisionRecall(generated: Tensor.zeros([9, 5]), reference: manifold) }
        #expect(throws: TorchError.self) {
            try PrecisionRecall(generated: real.narrow(0, start: 0, length: 2), reference: manifold)
        }
    }

    // MARK: Neighbours

    @Test func neighboursAreThoseOfNumPy() throws {
        let found = try nearestNeighbours(of: real, in: real, count: 4, excludingSelf: true)
        #expect(try found.indices.integers() == fixture["indices"].integers())
        try expectEqual(found.distances, fixture["distances"], tolerance: 1e-5)
        let others = try nearestNeighbours(of: generated, in: real, count: 2)
        #expect(others.distances.shape == [260, 2] && others.indices.shape == [260, 2])
        // The one that was copied.
        #expect(try others.indices.integers()[14] == 3 && others.distances.doubles()[14] == 0)
    }

    @Test func neighboursInSeveralBlocks() throws {
        let place = 4321
        let set = try Tensor((0..<5000).map { Float($0) }, shape: [5000, 1])
        let query = try Tensor([Float(place) + 0.25], shape: [1, 1])
        let found = try nearestNeighbours(of: query, in: set, count: 3)
        #expect(try found.indices.integers() == [place, place + 1, place - 1])
        #expect(try found.distances.doubles() == [0.25, 0.75, 1.25])
        let own = try nearestNeighbours(of: set, in: set, count: 1, excludingSelf: true)
        #expect(try own.distances.floats().allSatisfy { $0 == 1 })
        #expect(try zip(own.indices.integers(), 0...).allSatisfy { abs($0 - $1) == 1 })
    }

    @Test func copiesAreNeighbours() throws {
        let copies = try Tensor.full([6, 3], 7)
        let found = try nearestNeighbours(of: copies, in: copies, count: 2, excludingSelf: true)
        #expect(try found.distances.doubles().allSatisfy { $0 == 0 })
        let places = try found.indices.integers()
        #expect((0..<6).allSatisfy { places[2 * $0] != $0 && places[2 * $0 + 1] != $0 })
        #expect(throws: TorchError.self) {
            try nearestNeighbours(of: copies, in: copies, count: 6, excludingSelf: true)
        }
        #expect(throws: TorchError.self) { try nearestNeighbours(of: copies, in: copies, count: 7) }
        #expect(throws: TorchError.self) { try nearestNeighbours(of: copies, in: copies, count: 0) }
        #expect(throws: TorchError.self) { try nearestNeighbours(of: Tensor.zeros([2, 4]), in: copies, count: 1) }
    }

    // MARK: Inception Score

    @Test func inceptionScore() throws {
        let probabilities = try fixture["probabilities"]  // (130, 7), one of them 0
        for (splits, name) in [(InceptionScore.Splits.size(50), "score_sizes"), (.count(10), "score_counts")] {
            let score = try InceptionScore(probabilities, splits: splits)
            let expected = try fixture[name].doubles()
            #expect(abs(score.mean / expected[0] - 1) < 1e-6)
            #expect(abs(score.standardDeviation / expected[1] - 1) < 1e-5)
        }
        let whole = try InceptionScore(probabilities)
        #expect(whole.standardDeviation == 0)
        // The order does not matter to a single split, and matters to several.
        #expect(abs(try InceptionScore(probabilities, shuffle: 1).mean - whole.mean) < 1e-9)
        #expect(
            try InceptionScore(probabilities, splits: .size(50), shuffle: 1)
                != InceptionScore(probabilities, splits: .size(50)))
    }

    /// 1 where all pictures look alike, K where each is surely of one of K classes.
    @Test func inceptionScoresOfExtremes() throws {
        #expect(try InceptionScore(Tensor.full([20, 4], 0.25)).mean == 1)
        let sure = (0..<20).flatMap { row in (0..<4).map { Float(row % 4 == $0 ? 1 : 0) } }
        #expect(abs(try InceptionScore(Tensor(sure, shape: [20, 4])).mean - 4) < 1e-9)
        let empty = try Tensor.zeros([0, 4])
        #expect(throws: TorchError.self) { try InceptionScore(empty) }
        #expect(throws: TorchError.self) { try InceptionScore(Tensor.full([3, 4], 0.25), splits: .count(4)) }
        #expect(throws: TorchError.self) { try InceptionScore(Tensor.full([3, 4], 0.25), splits: .size(0)) }
    }
}
