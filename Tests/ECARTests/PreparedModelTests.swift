import ECAR
import TestSupport
import Testing
import Torch
import TorchNN

/// The prepared model against the plain one, which is its definition.
@Suite struct PreparedModelTests {
    private static let configuration = ModelConfiguration(
        channels: 3, sides: [4, 8, 16], patches: [2, 2, 2], classes: 5, width: 96, heads: 3, arDepth: 2,
        flowDepths: [2, 1, 2])
    private let model: ECARModel

    init() throws { model = try Self.model(Self.configuration) }

    private static func model(_ configuration: ModelConfiguration) throws -> ECARModel {
        try ECARModel(configuration, Parameters(.random(Generator(seed: 3))))
    }

    private func images(_ settings: SamplingSettings, _ precision: Precision = .f32, of model: ECARModel? = nil) throws
        -> [Tensor]
    {
        var sampling = try Sampler(model ?? self.model, settings: settings, precision: precision)
            .images(labels: [4, 0, 2], seeds: [1, 2, 3])
        return try sampling.finish()
    }

    /// A stage as the equations have it, one evaluation after the other, all of it computed again at every step.
    private func referenceStage(
        _ s: Int, after images: [Tensor], noise: Tensor, _ settings: SamplingSettings, of other: ECARModel? = nil
    ) throws -> Tensor {
        let model = other ?? self.model
        let upsampled = try images.dropLast().map { try Pyramid.up($0) }
        let previous = s > 0 ? images[s - 1] : nil
        let head = model.heads[s]
        func velocity(_ z: Tensor, _ labels: [Int], at τ: Float) throws -> Tensor {
            let map = try model.ar(labels: Tensor(labels), upsampled: upsampled)[s]
            return try head.velocity(
                z, spatial: head.spatialModulation(map),
                temporal: head.temporalModulation(Tensor(Array(repeating: τ, count: 3), shape: [3])))
        }
        func guided(_ z: Tensor, at τ: Float) throws -> Tensor {
            let (own, null) = (try velocity(z, [4, 0, 2], at: τ), try velocity(z, [5, 5, 5], at: τ))
            guard settings.parallelGuidance < 1 else { return try null + (own - null) * settings.guidance[s] }
            let ends = [try z + own * Double(1 - τ), try z + null * Double(1 - τ)]
            let end = try guidedEnd(ends[0], ends[1], scale: settings.guidance[s], parallel: settings.parallelGuidance)
            return try (end - z) * (1 / Double(1 - τ))
        }
        var z = try model.path.start(s, previous: previous, noise: noise)
        let steps = settings.steps[s]
        for k in 0..<steps {
            let (start, size) = (z, settings.time(k + 1, of: steps) - settings.time(k, of: steps))
            let slope = try guided(start, at: Float(settings.time(k, of: steps)))
            let euler = try start + slope * size
            z = euler
            if settings.solver == .heun, k + 1 < steps {
                z = try start + (slope + guided(euler, at: Float(settings.time(k + 1, of: steps)))) * (size / 2)
            }
        }
        return z
    }

    /// The guided one of predicted images, number by number as arXiv 2410.02416 has it: what the class changes in an image is split
    /// into a multiple of the image and the rest, which is perpendicular to it.
    private func guidedEnd(_ own: Tensor, _ null: Tensor, scale: Double, parallel: Double) throws -> Tensor {
        let size = own.shape.dropFirst().reduce(1, *)
        let (a, b) = (try own.floats().map(Double.init), try null.floats().map(Double.init))
        var values: [Float] = []
        for first in stride(from: 0, to: a.count, by: size) {
            let places = first..<first + size
            let multiple =
                places.reduce(0) { $0 + (a[$1] - b[$1]) * a[$1] } / places.reduce(0) { $0 + a[$1] * a[$1] }
            values += places.map {
                let along = multiple * a[$0]
                return Float(a[$0] + (scale - 1) * (parallel * along + (a[$0] - b[$0] - along)))
            }
        }
        return try Tensor(values, shape: own.shape)
    }

    private func noise(_ s: Int) throws -> Tensor {
        try .stack(
            [1, 2, 3].map { (seed: UInt64) in
                let shape = Array(Self.configuration.latentShape(s, batch: 1).dropFirst())
                return try .randn(shape, generator: Generator(seed: Generator.seed(seed, UInt64(s))))
            })
    }

    @Test(arguments: [Solver.euler, .heun], [[1.0, 1, 1], [1, 3, 1], [2, 2, 2]])
    func everyStageEqualsThePlainModel(solver: Solver, guidance: [Double]) throws {
        let settings = SamplingSettings(steps: [3, 2, 2], guidance: guidance, solver: solver)
        let found = try images(settings)
        for s in 0..<3 {
            let expected = try referenceStage(s, after: found, noise: noise(s), settings)
            try expectEqual(found[s], expected, tolerance: 1e-4, "stage \(s)")
        }
    }

    /// The ablation of Fig. 5, without a condition MLP but with overlapping inputs, and uneven steps.
    @Test(arguments: [0.5, 3])
    func withoutAutoregressionAndWithATimeShift(timeShift: Double) throws {
        var configuration = Self.configuration.withoutAutoregression()
        configuration.conditionMLP = false
        configuration.overlap = 1
        let model = try Self.model(configuration)
        let settings = SamplingSettings(steps: [3, 2, 4], guidance: [2, 1, 2], solver: .heun, timeShift: timeShift)
        let found = try images(settings, of: model)
        for s in 0..<3 {
            let expected = try referenceStage(s, after: found, noise: noise(s), settings, of: model)
            try expectEqual(found[s], expected, tolerance: 1e-4, "stage \(s)")
        }
    }

    @Test(arguments: [0, 0.3], [Solver.euler, .heun])
    func parallelGuidance(parallel: Double, solver: Solver) throws {
        let settings = SamplingSettings(
            steps: [3, 2, 2], guidance: [3, 1, 2], solver: solver, timeShift: 0.5, parallelGuidance: parallel)
        let found = try images(settings)
        for s in 0..<3 {
            let expected = try referenceStage(s, after: found, noise: noise(s), settings)
            try expectEqual(found[s], expected, tolerance: 1e-4, "stage \(s)")
        }
    }

    /// More steps than temporal modulations are made at once.
    @Test func manySteps() throws {
        let settings = SamplingSettings(steps: [300, 1, 1], guidance: [1, 1, 1])
        let found = try images(settings)
        let expected = try Runtime.inference { try referenceStage(0, after: found, noise: noise(0), settings) }
        try expectEqual(found[0], expected, tolerance: 1e-4)
    }

    @Test(arguments: [(Precision.bf16, 0.02), (.int8, 0.06)])
    func reducedPrecisionsStayNear(precision: Precision, tolerance: Double) throws {
        let settings = SamplingSettings(steps: [4, 4, 4], guidance: [1, 2, 1])
        let (exact, found) = (try images(settings).last, try images(settings, precision).last)
        let (a, b) = (try #require(exact), try #require(found))
        try expectEqual(b, a, tolerance: tolerance, precision.rawValue)
        // It is not float32 under another name.
        #expect(try difference(a, b) > 1e-5)
    }

    /// Activations are rounded token by token, so that neighbours in a batch change nothing but the order of sums.
    @Test(arguments: Precision.allCases)
    func anImageDoesNotDependOnItsBatch(precision: Precision) throws {
        let settings = SamplingSettings(steps: [2, 2, 2], guidance: [1, 1, 1])
        let sampler = try Sampler(model, settings: settings, precision: precision)
        var alone = try sampler.images(labels: [0], seeds: [2])
        let batch = try images(settings, precision)
        let (one, all) = (try #require(try alone.finish().last), try #require(batch.last))
        try expectEqual(
            all.narrow(0, start: 1, length: 1), one, tolerance: precision == .f32 ? 1e-4 : 0.02, precision.rawValue)
    }
}
