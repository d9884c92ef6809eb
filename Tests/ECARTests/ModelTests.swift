import ECAR
import TestSupport
import Testing
import Torch
import TorchNN

/// The whole model against the PyTorch reference: the path, token maps, velocities, losses, gradients and samples.
@Suite struct ModelTests {
    let forward: Fixture
    let model: ECARModel
    let inputs: TrainingInputs

    var stages: Range<Int> { 0..<model.configuration.stages }

    init() throws {
        forward = try Fixture("forward")
        model = try Fixture("model").model()
        inputs = try forward.inputs(stages: model.configuration.stages)
    }

    private func upsampled() throws -> [Tensor] {
        try stages.dropLast().map { try Pyramid.up(forward["end.\($0)"]) }
    }

    @Test func path() throws {
        let ends = try Pyramid.build(inputs.latents, stages: stages.count)
        for s in stages {
            try expectEqual(ends[s], forward["end.\(s)"], "end \(s)")
            let start = try model.path.start(s, previous: s > 0 ? ends[s - 1] : nil, noise: inputs.noises[s])
            try expectEqual(start, forward["start.\(s)"], "start \(s)")
            try expectEqual(
                model.path.point(from: start, to: ends[s], at: inputs.times[s]), forward["z.\(s)"], "z \(s)")
            try expectEqual(model.path.velocity(from: start, to: ends[s]), forward["target.\(s)"], "target \(s)")
        }
    }

    @Test func tokenMapsAndVelocities() throws {
        let maps = try model.ar(labels: inputs.labels, upsampled: upsampled())
        for s in stages {
            try expectEqual(maps[s], forward["tokenMap.\(s)"], "token map \(s)")
            let head = model.heads[s]
            let velocity = try head.velocity(
                forward["z.\(s)"], spatial: head.spatialModulation(maps[s]),
                temporal: head.temporalModulation(inputs.times[s]))
            try expectEqual(velocity, forward["velocity.\(s)"], "velocity \(s)")
        }
    }

    @Test func losses() throws {
        try expectEqual(.stack(model.losses(inputs)), forward["loss"])
    }

    @Test func conditionNoise() throws {
        var noisy = inputs
        noisy.conditionNoises = try stages.dropLast().map { try forward["arNoise.\($0)"] * 0.5 }
        try expectEqual(.stack(model.losses(noisy)), forward["conditioned.loss"])
    }

    @Test(arguments: [true, false])
    func parameterGradients(separately: Bool) throws {
        let expected = try Fixture("gradients")
        let weights = try forward["weights"].floats().map(Double.init)
        let found = try model.gradients(inputs, weights: weights, separately: separately)
        try expectEqual(.stack(found.losses), forward["loss"])
        let references = try model.parameters.names.map { try expected["grad.\($0)"] }
        let global = try TensorList.norm(references)
        for (index, name) in model.parameters.names.enumerated() {
            let largest = try references[index].abs().max().item()
            let error = try difference(found.total[index], references[index])
            #expect(
                error <= 1e-4 * max(largest, 1e-4 * global),
                "\(name) differs by \(error), its largest entry is \(largest)")
        }
        guard separately else { return }
        let norms = try found.sharedNorms(weights: weights)
        for (norm, reference) in zip(norms, try forward["sharedNorms"].floats()) {
            #expect(abs(norm / Double(reference) - 1) < 1e-4)
        }
    }

    @Test func gradNorm() throws {
        func rows(_ name: String) throws -> [[Double]] {
            let tensor = try forward["gradNorm.\(name)"]
            let (values, width) = (try tensor.floats().map(Double.init), tensor.shape[1])
            return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<($0 + width)]) }
        }
        var gradNorm = GradNorm(stages: 3)
        for ((losses, norms), expected) in zip(zip(try rows("losses"), try rows("norms")), try rows("weights")) {
            gradNorm.update(losses: losses, norms: norms)
            for (weight, reference) in zip(gradNorm.weights, expected) { #expect(abs(weight - reference) < 1e-5) }
        }
        #expect(abs(gradNorm.weights.reduce(0, +) - 3) < 1e-12)
    }

    @Test(arguments: [Solver.euler, .heun])
    func sampling(_ solver: Solver) throws {
        let steps = Array(repeating: solver == .euler ? 3 : 2, count: 3)
        let settings = SamplingSettings(steps: steps, guidance: [1.5, 2, 2.5], solver: solver)
        let sampler = try Sampler(model, settings: settings)
        let noises = try stages.map { try forward["sample.noise.\($0)"] }
        var sampling = try sampler.images(labels: forward["sample.labels"].integers(), noises: noises)
        let images = try sampling.finish()
        for s in stages {
            try expectEqual(images[s], forward["sample.\(solver.rawValue).\(s)"], "stage \(s)")
        }
    }

    /// The ablation of Fig. 5, and tokens that look beyond their patches.
    @Test(arguments: ["ablation", "overlap"])
    func variant(name: String) throws {
        let fixture = try Fixture(name)
        let model = try fixture.model()
        let inputs = try fixture.inputs(stages: model.configuration.stages)
        #expect((model.configuration.arDepth == 0) == (name == "ablation"))
        #expect((model.configuration.overlap > 0) == (name == "overlap"))
        try expectEqual(.stack(model.losses(inputs)), fixture["loss"])
        let found = try model.gradients(inputs, weights: [1, 1, 1], separately: true)
        for (norm, reference) in zip(try found.sharedNorms(weights: [1, 1, 1]), try fixture["sharedNorms"].floats()) {
            #expect(abs(norm / Double(reference) - 1) < 1e-4)
        }
    }
}
