import ECAR
import Foundation
import TestSupport
import Testing
import Torch
import TorchNN

/// Gradients that are taken in parts add up to those taken at once.
@Suite struct GradientTests {
    private func model(sides: [Int], arDepth: Int = 2) throws -> ECARModel {
        let configuration = ModelConfiguration(
            channels: 1, sides: sides, patches: sides.map { _ in 2 }, classes: 2, width: 8, heads: 2, arDepth: arDepth,
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

    private func inputs(_ model: ECARModel, seeds: Range<UInt64>) throws -> TrainingInputs {
        let configuration = model.configuration
        let shape = configuration.latentShape(configuration.stages - 1, batch: 1)
        let latents = try seeds.map { try Tensor.randn(shape, generator: Generator(seed: 100 + $0)) }
        return try TrainingInputs.draw(
            latents: .cat(latents, 0), labels: seeds.map { Int($0 % 2) }, configuration: configuration,
            settings: NoiseSettings(conditionNoise: 0.1, timeSampling: .logitNormal), seeds: Array(seeds))
    }

    private func all(_ gradients: StageGradients) -> [Tensor] {
        gradients.total + gradients.shared.flatMap { $0 } + gradients.losses
    }

    /// With one stage its own gradient is also the sum; the two must not be one tensor, or adding would count it twice.
    @Test(arguments: [[4], [4, 8]], [true, false])
    func microBatches(sides: [Int], separately: Bool) throws {
        let model = try model(sides: sides)
        let weights = sides.map { _ in 0.7 }
        let whole = try model.gradients(inputs(model, seeds: 4..<8), weights: weights, separately: separately)
        var sum = try model.gradients(inputs(model, seeds: 4..<6), weights: weights, separately: separately)
        try sum.add(model.gradients(inputs(model, seeds: 6..<8), weights: weights, separately: separately))
        try sum.scale(0.5)
        for (a, b) in zip(all(sum), all(whole)) { #expect(try difference(a, b) < 1e-5) }
    }

    /// Each stage's loss is the mean over the first images alone, as many as its share; each image taken by itself, the
    /// gradients add up to the same.
    @Test(arguments: [[4, 2, 1], [4, 4, 1], [4, 1, 1]], [(0, false), (1, true), (2, true), (2, false)])
    func stageShares(counts: [Int], way: (depth: Int, separately: Bool)) throws {
        let model = try model(sides: [4, 8, 16], arDepth: way.depth)
        let weights = [0.7, 1.1, 1.2]
        let shared = try inputs(model, seeds: 4..<8).sharing(counts.map { Double($0) / 4 })
        let found = try model.gradients(shared, weights: weights, separately: way.separately)

        let shares = (0..<4).map { image in counts.map { image < $0 ? 1 / Double($0) : 0 } }
        let own = try (4..<8).map { seed in
            try model.gradients(
                inputs(model, seeds: seed..<seed + 1), weights: zip(weights, shares[Int(seed) - 4]).map(*),
                separately: way.separately)
        }
        let losses = try counts.indices.map { s in
            try zip(own, shares).reduce(0) { try $0 + $1.0.losses[s].item() * $1.1[s] }
        }
        var sum = own[0]
        for other in own.dropFirst() { try sum.add(other) }

        #expect(try model.tokenMaps(shared).map { $0.shape[0] } == counts)
        for (a, b) in zip(found.total + found.shared.joined(), sum.total + sum.shared.joined()) {
            #expect(try difference(a, b) < 1e-5)
        }
        for found in [found.losses, try model.losses(shared)] {
            for (loss, expected) in zip(found, losses) { #expect(try abs(loss.item() - expected) < 1e-5) }
        }
    }

    /// Two processes with half of the batch each get the gradient of the whole batch, to 1e-5 of its norm.
    @Test(arguments: [true, false]) func processes(separately: Bool) async throws {
        let weights = [0.8, 1.2]
        let port = Int.random(in: 20_000..<32_000)
        let results = await onThreads(2) { rank in
            let model = try self.model(sides: [4, 8])
            let group = try ProcessGroup(.init(rank: rank, processes: 2, masterPort: port), device: .cpu, timeout: 60)
            let first = UInt64(4 + 2 * rank)
            var own = try model.gradients(
                inputs(model, seeds: first..<first + 2), weights: weights, separately: separately)
            try own.average(over: group)
            return try all(own).map { try $0.floats() }
        }
        let shares = try results.map { try $0.get() }
        #expect(shares[0] == shares[1])
        let model = try model(sides: [4, 8])
        let whole = try model.gradients(inputs(model, seeds: 4..<8), weights: weights, separately: separately)
        let expected = try all(whole).flatMap { try $0.floats() }
        let found = shares[0].flatMap { $0 }
        let distance = norm(zip(expected, found).map { $0 - $1 })
        #expect(distance < 1e-5 * norm(expected))
    }

    private func norm(_ values: [Float]) -> Double {
        values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }

    /// What threads make of their numbers. Not tasks: those share a few threads, and may not wait for each other.
    private func onThreads<Value: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
    ) async -> [Result<Value, any Error>] {
        await withTaskGroup { tasks in
            for number in 0..<count {
                tasks.addTask {
                    await withCheckedContinuation { continuation in
                        Thread.detachNewThread {
                            continuation.resume(returning: (number, Result { try body(number) }))
                        }
                    }
                }
            }
            var results: [Int: Result<Value, any Error>] = [:]
            for await (number, result) in tasks { results[number] = result }
            return results.sorted { $0.key < $1.key }.map(\.value)
        }
    }

    /// Computing activations again changes no bit of the gradients, and none is lost; in bf16, where a weight that is used
    /// twice has its two gradients added in another precision, little.
    @Test(arguments: Precision.ofTraining, [true, false])
    func activationCheckpointing(precision: Precision, separately: Bool) throws {
        let model = try model(sides: [4, 8])
        let inputs = try inputs(model, seeds: 0..<3).sharing([1, 0.34])
        let gradients = try [false, true].map { checkpointing in
            try precision.run(on: .cpu) {
                try model.gradients(
                    inputs, weights: [1, 0.5], separately: separately, checkpointing: checkpointing)
            }
        }
        for (kept, recomputed) in zip(all(gradients[0]), all(gradients[1])) {
            let largest = try kept.abs().max().item()
            #expect(largest > 0)
            #expect(try difference(kept, recomputed) <= (precision == .f32 ? 0 : 0.01 * largest))
        }
    }
}
