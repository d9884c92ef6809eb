import ECAR
import TestSupport
import Testing
import Torch
import TorchNN

/// What keeps training honest and sampling faithful to it.
@Suite struct LeakTests {
    /// The token maps may not depend on the noise that is still to be removed; were it otherwise, the velocity would be
    /// given away, the loss would fall to nothing and sampling would collapse.
    @Test func tokenMapsDoNotSeeTheFlowNoise() throws {
        let model = try Fixture("model").model()
        var inputs = try Fixture("forward").inputs(stages: model.configuration.stages)
        let before = try model.tokenMaps(inputs)
        inputs.noises = try inputs.noises.map { try $0.gather(0, Tensor([2, 0, 1])) }
        let after = try model.tokenMaps(inputs)
        for (a, b) in zip(before, after) { #expect(try difference(a, b) == 0) }
        let losses = try Tensor.stack(model.losses(inputs))
        #expect(try difference(losses, Fixture("forward")["loss"]) > 1e-4, "the permutation should change the losses")
    }

    /// Sampling's start of a stage has the distribution of training's: mean a·Up(x), covariance (1 − a)²·I.
    @Test func transitionMatchesTraining() throws {
        let configuration = ModelConfiguration(
            channels: 1, sides: [2, 4], patches: [1, 2], classes: 2, width: 8, heads: 1, arDepth: 1, flowDepths: [1, 1])
        let path = FlowPath(configuration)
        let previous = try Tensor([0.5, -1, 0.25, 0.75], shape: [1, 1, 2, 2])
        let count = 20_000
        let noise = try Tensor.randn([count, 1, 4, 4], generator: Generator(seed: 1))
        let starts = try path.start(1, previous: previous.expand([count, 1, 2, 2]), noise: noise)
            .reshape([count, 16]).to(.float64)
        let expected = try (Pyramid.up(previous) * 0.5).reshape([1, 16]).to(.float64)
        let centred = try starts - expected
        let mean = try Tensor.full([1, count], 1 / Double(count), dtype: .float64).matmul(centred)
        #expect(try mean.abs().max().item() < 0.02)
        let covariance = try centred.transpose(0, 1).matmul(centred) / Double(count)
        let identity = try Tensor((0..<256).map { $0 % 17 == 0 ? Float(0.25) : 0 }, shape: [16, 16]).to(.float64)
        #expect(try difference(covariance, identity) < 0.02)
    }

    /// One image, alone and among six others, is the same to a rounding error; under the same settings, to the bit.
    @Test func imagesDoNotDependOnTheirBatch() throws {
        let model = try Fixture("model").model()
        let sampler = try Sampler(model, settings: SamplingSettings(steps: [3, 3, 3], guidance: [2, 1, 2]))
        var alone = try sampler.images(labels: [1], seeds: [42])
        let reference = try #require(try alone.finish().last)
        var together = try sampler.images(labels: [0, 2, 1, 0, 1, 2, 1], seeds: [1, 2, 42, 3, 4, 5, 6])
        let batch = try #require(try together.finish().last)
        try expectEqual(batch.narrow(0, start: 2, length: 1), reference, tolerance: 1e-4)
        var again = try sampler.images(labels: [1], seeds: [42])
        #expect(try difference(#require(try again.finish().last), reference) == 0)
    }

    /// A stage's noise is its own, so later stages can be varied alone; and seeds do not share streams.
    @Test func seedsAndStagesAreIndependent() throws {
        #expect(Generator.seed(1, 0) != Generator.seed(0, 1))
        let draws = try [Generator.seed(7, 0), Generator.seed(7, 1), Generator.seed(8, 0)].map {
            try Tensor.randn([4096], generator: Generator(seed: $0))
        }
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            #expect(abs(try (draws[a] * draws[b]).mean().item()) < 0.06)
        }
    }

    /// A sampling is a value: a copy kept after the first stage goes on to the same end.
    @Test func keptStatesContinue() throws {
        let model = try Fixture("model").model()
        let sampler = try Sampler(model, settings: SamplingSettings(steps: [2, 2, 2], guidance: [2, 2, 2]))
        var sampling = try sampler.images(labels: [0, 1], seeds: [5, 6])
        while let step = try sampling.next(), !step.isStageEnd {}
        var kept = sampling
        let first = try sampling.finish()
        let second = try kept.finish()
        #expect(first.count == 2 && second.count == 2)
        #expect(try difference(first[1], second[1]) == 0)
    }
}
