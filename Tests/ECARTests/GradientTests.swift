import ECAR
import Testing
import Torch
import TorchNN

/// Gradients that are taken in parts add up to those taken at once.
@Suite struct GradientTests {
    private func model(sides: [Int]) throws -> ECARModel {
        let configuration = ModelConfiguration(
            channels: 1, sides: sides, patches: sides.map { _ in 2 }, classes: 2, width: 8, heads: 2, arDepth: 2,
            flowDepths: sides.map { _ in 1 })
        // Zero initialisation would hide most of the gradients.
        let generator = try Generator(seed: 3)
        let names = try ECARModel(configuration, Parameters(.fresh(Generator(seed: 1)))).parameters
        var weights: [String: Tensor] = [:]
        for (name, tensor) in zip(names.names, names.tensors) {
            weights[name] = try (.randn(tensor.shape, generator: generator) * 0.3).requiringGradient()
        }
        return try ECARModel(configuration, Parameters(.weights(weights)))
    }

    /// With one stage its own gradient is also the sum; the two must not be one tensor, or adding would count it twice.
    @Test(arguments: [[4], [4, 8]], [true, false])
    func microBatches(sides: [Int], separately: Bool) throws {
        let model = try model(sides: sides)
        let latents = try Tensor.randn(
            [4, 1, sides[sides.count - 1], sides[sides.count - 1]], generator: Generator(seed: 2))
        let inputs = try TrainingInputs.draw(
            latents: latents, labels: [0, 1, 0, 1], configuration: model.configuration, settings: NoiseSettings(),
            seeds: [4, 5, 6, 7])
        func part(_ start: Int) throws -> TrainingInputs {
            func cut(_ x: Tensor) throws -> Tensor { try x.narrow(0, start: start, length: 2) }
            return TrainingInputs(
                latents: try cut(inputs.latents), labels: try cut(inputs.labels), times: try inputs.times.map(cut),
                noises: try inputs.noises.map(cut))
        }
        let weights = sides.map { _ in 0.7 }
        let whole = try model.gradients(inputs, weights: weights, separately: separately)
        var sum = try model.gradients(part(0), weights: weights, separately: separately)
        try sum.add(model.gradients(part(2), weights: weights, separately: separately))
        try sum.scale(0.5)
        for (a, b) in zip(sum.total + sum.shared.flatMap { $0 }, whole.total + whole.shared.flatMap { $0 }) {
            #expect(try difference(a, b) < 1e-5)
        }
    }
}
