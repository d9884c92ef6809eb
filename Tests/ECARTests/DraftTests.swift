import ECAR
import TestSupport
import Testing
import Torch
import TorchNN

/// What is complete can be kept, picked from, varied and gone on with.
@Suite struct DraftTests {
    private static let configuration = ModelConfiguration(
        channels: 1, sides: [4, 8, 16], patches: [2, 2, 4], classes: 5, width: 32, heads: 2, arDepth: 2,
        flowDepths: [1, 1, 1])
    private let model: PreparedModel
    private let labels = [4, 0, 2]
    private let seeds = [NoiseSeed(7), NoiseSeed(8), NoiseSeed(9)]

    init() throws { model = try PreparedModel(ECARModel(Self.configuration, Parameters(.random(Generator(seed: 5))))) }

    private func sampler(_ guidance: [Double]) throws -> Sampler {
        try Sampler(model, settings: SamplingSettings(steps: [3, 2, 2], guidance: guidance))
    }

    /// The images after so many steps.
    private func begun(_ sampler: Sampler, steps: Int) throws -> Sampling {
        var sampling = try sampler.images(labels: labels, seeds: seeds)
        for _ in 0..<steps { _ = try sampling.next() }
        return sampling
    }

    @Test(arguments: [0, 1, 2, 3], [[1.0, 1, 1], [1, 3, 1], [2, 2, 2]])
    func goingOnGivesTheSameImages(stages: Int, guidance: [Double]) throws {
        let sampler = try sampler(guidance)
        var whole = try sampler.images(labels: labels, seeds: seeds)
        let expected = try whole.finish()
        let draft = Draft(labels: labels, stages: Array(expected.prefix(stages)))
        var rest = try sampler.images(continuing: draft.picking([2, 0, 2]), seeds: [seeds[2], seeds[0], seeds[2]])
        let found = try rest.finish()
        #expect(found.count == 3 - stages)
        for (found, expected) in zip(found, expected.dropFirst(stages)) {
            let rows = try expected.gather(0, Tensor([2, 0, 2]))
            try expectEqual(found, rows, tolerance: 1e-5)
        }
        #expect(rest.draft.stages.count == 3)
    }

    @Test func aSamplingKnowsItsDraft() throws {
        let sampler = try sampler([2, 2, 2])
        var sampling = try sampler.images(labels: labels, seeds: seeds)
        #expect(sampling.draft.stages.isEmpty)
        while let step = try sampling.next(), !step.isStageEnd {}
        #expect(sampling.draft.labels == labels)
        #expect(sampling.draft.stages.map(\.shape) == [[3, 1, 4, 4]])
    }

    /// Before the first step, in the middle of each stage and between two.
    @Test(arguments: [0, 1, 3, 4, 6], [[1.0, 1, 1], [1, 3, 1], [2, 2, 2]])
    func imagesThatAreLetGoDoNotChangeTheOthers(steps: Int, guidance: [Double]) throws {
        let sampler = try sampler(guidance)
        var whole = try begun(sampler, steps: 0)
        let expected = try #require(try whole.finish().last)
        var sampling = try begun(sampler, steps: steps)
        try sampling.keep([0, 2])
        try sampling.keep([1])
        let found = try #require(try sampling.finish().last)
        try expectEqual(found, expected.narrow(0, start: 2, length: 1), tolerance: 1e-5)
    }

    @Test func variationsShareTheFirstStagesAlone() throws {
        let sampler = try sampler([1, 1, 1])
        func images(_ variation: NoiseSeed.Variation?) throws -> [Tensor] {
            var sampling = try sampler.images(labels: [1], seeds: [NoiseSeed(3, variation: variation)])
            return try sampling.finish()
        }
        let (plain, same) = (try images(nil), try images(.init(stagesKept: 1, number: 0)))
        let (one, two) = (try images(.init(stagesKept: 1, number: 1)), try images(.init(stagesKept: 2, number: 1)))
        for (plain, same) in zip(plain, same) { #expect(try difference(plain, same) == 0) }
        #expect(try difference(plain[0], one[0]) == 0)
        #expect(try difference(plain[1], one[1]) > 1e-3)
        #expect(try difference(plain[1], two[1]) == 0)
        #expect(try difference(plain[2], two[2]) > 1e-3)
        // A variation is no other seed's image.
        let other = try images(.init(stagesKept: 0, number: 1))
        var next = try sampler.images(labels: [1], seeds: [NoiseSeed(4)])
        #expect(try difference(next.finish()[0], other[0]) > 1e-3)
    }

    @Test func wrongDraftsAndPlaces() throws {
        let sampler = try sampler([1, 1, 1])
        let image = try Tensor.zeros([1, 1, 4, 4])
        let wrong = [
            Draft(labels: [5], stages: [image]), Draft(labels: [0, 1], stages: [image]), Draft(labels: [], stages: []),
            Draft(labels: [0], stages: [image, image]),
        ]
        for draft in wrong {
            #expect(throws: ECARError.self) {
                try sampler.images(continuing: draft, seeds: draft.labels.map { _ in NoiseSeed(0) })
            }
        }
        #expect(throws: ECARError.self) { try Draft(labels: [0], stages: [image]).picking([1]) }
        var sampling = try sampler.images(labels: labels, seeds: seeds)
        #expect(throws: ECARError.self) { try sampling.keep([]) }
        #expect(throws: ECARError.self) { try sampling.keep([3]) }
    }
}
