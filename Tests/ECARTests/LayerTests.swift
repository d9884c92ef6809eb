import ECAR
import TestSupport
import Testing
import Torch
import TorchNN

/// Every layer against PyTorch: outputs, and gradients of Σ y·g.
@Suite struct LayerTests {
    let fixture: Fixture

    init() throws {
        fixture = try Fixture("layers")
    }

    /// Runs a layer on the fixture's x and compares its output and the gradient of x.
    private func check(
        _ name: String, output: String = "y", gradient: String = "grad.x", _ layer: (Tensor) throws -> Tensor
    )
        throws
    {
        let x = try fixture["\(name).x"].clone().requiringGradient()
        let y = try layer(x)
        try expectEqual(y, fixture["\(name).\(output)"], "\(name).\(output)")
        let found = try gradients(of: [y], seeds: [fixture["\(name).g"]], with: [x])
        try expectEqual(found[0], fixture["\(name).\(gradient)"], "\(name).\(gradient)")
    }

    @Test func linear() throws {
        let parameters = try fixture.parameters("linear", ["weight", "bias"])
        let layer = try Linear(parameters, 16, 8)
        try check("linear") { try layer($0) }
        let y = try layer(fixture["linear.x"])
        let found = try gradients(of: [y], seeds: [fixture["linear.g"]], with: parameters.tensors)
        try expectEqual(found[0], fixture["linear.grad.weight"])
        try expectEqual(found[1], fixture["linear.grad.bias"])
    }

    @Test func layerNorm() throws {
        let parameters = try fixture.parameters("norm", ["weight", "bias"])
        let layer = try LayerNorm(parameters, 16)
        try check("norm") { try layer($0) }
        let y = try layer(fixture["norm.x"])
        let found = try gradients(of: [y], seeds: [fixture["norm.g"]], with: parameters.tensors)
        try expectEqual(found[0], fixture["norm.grad.weight"])
        try expectEqual(found[1], fixture["norm.grad.bias"])
        try expectEqual(fixture["norm.x"].layerNorm(epsilon: LayerNorm.epsilon), fixture["norm.plain"])
    }

    @Test func scaledDotProductAttention() throws {
        let inputs = try ["q", "k", "v"].map { try fixture["sdpa.\($0)"].clone().requiringGradient() }
        let y = try inputs[0].attention(key: inputs[1], value: inputs[2])
        try expectEqual(y, fixture["sdpa.y"])
        let found = try gradients(of: [y], seeds: [fixture["sdpa.g"]], with: inputs)
        for (gradient, name) in zip(found, ["q", "k", "v"]) {
            try expectEqual(gradient, fixture["sdpa.grad.\(name)"], name)
        }
    }

    /// Positions begin as a map: neighbours are alike, and so are places on the maps of two stages.
    @Test func positionsBeginAsAMap() throws {
        let configuration = ModelConfiguration(
            channels: 1, sides: [4, 8], patches: [2, 2], classes: 2, width: 30, heads: 2, arDepth: 1,
            flowDepths: [1, 1])
        let model = try ECARModel(configuration, Parameters(.fresh(Generator(seed: 1))))
        func likeness(_ a: (Tensor, Int), _ b: (Tensor, Int)) throws -> Double {
            let (x, y) = (try a.0.narrow(0, start: a.1, length: 1), try b.0.narrow(0, start: b.1, length: 1))
            return try (x * y).sum().item()
        }
        let weights = model.parameters.dictionary
        let fine = try #require(weights["ar.positions.1"])
        let coarse = try #require(weights["ar.positions.0"])
        let head = try #require(weights["heads.1.position"])
        for map in [fine, head] {
            let (next, below, far) = (
                try likeness((map, 5), (map, 6)), try likeness((map, 5), (map, 9)), try likeness((map, 5), (map, 15))
            )
            #expect(abs(next - below) < 1e-5 && next > far)
        }
        // Token 0 of 2×2 lies where the tokens 0, 1, 4 and 5 of 4×4 meet.
        let near = try [0, 1, 4, 5].map { try likeness((coarse, 0), (fine, $0)) }
        #expect(near.allSatisfy { abs($0 - near[0]) < 1e-5 })
        #expect(try near[0] > likeness((coarse, 0), (fine, 10)))
    }

    private func attention() throws -> Attention {
        let names = ["qkv.weight", "qkv.bias", "out.weight", "out.bias"]
        return try Attention(fixture.parameters("attention", names), width: 16, heads: 2)
    }

    @Test func fullAttention() throws {
        let layer = try attention()
        try check("attention") { try layer($0) }
    }

    @Test func blockCausalAttention() throws {
        let layer = try attention()
        try check("attention", output: "causal", gradient: "causal.grad.x") { try layer($0, blocks: [2, 4, 6]) }
    }

    @Test func cachedAttentionEqualsBlockCausal() throws {
        let layer = try PackedAttention(attention(), precision: .f32)
        var cache = KeyValueCache()
        let parts = try fixture["attention.x"].split(1, lengths: [2, 4, 6]).map { try layer($0, cache: &cache) }
        try expectEqual(.cat(parts, 1), fixture["attention.causal"])
    }

    @Test func mlp() throws {
        let layer = try MLP(fixture.parameters("mlp", ["in.weight", "in.bias", "out.weight", "out.bias"]), 16)
        try check("mlp") { try layer($0) }
    }

    @Test func timestepEmbedding() throws {
        let names = ["in.weight", "in.bias", "out.weight", "out.bias"]
        let layer = try TimestepEmbedding(fixture.parameters("time", names), 16)
        try expectEqual(layer.sinusoids(fixture["time.t"]), fixture["time.features"])
        try expectEqual(layer(fixture["time.t"]), fixture["time.y"])
    }

    @Test func patches() throws {
        let tokens = try Patches.split(fixture["patch.x"], patch: 4)
        #expect(try difference(tokens, fixture["patch.tokens"]) == 0)
        #expect(try difference(Patches.join(tokens, patch: 4, side: 8), fixture["patch.x"]) == 0)
    }

    @Test func pyramid() throws {
        try expectEqual(Pyramid.down(fixture["pyramid.x"]), fixture["pyramid.down"])
        #expect(try difference(Pyramid.up(fixture["pyramid.x"]), fixture["pyramid.up"]) == 0)
    }

    @Test func adamW() throws {
        let parameters = try ["a", "b"].map { try fixture["adamw.\($0).0"].clone() }
        let optimizer = try AdamW(parameters, beta1: 0.9, beta2: 0.999, weightDecay: 0.1)
        for step in 1...3 {
            let gradients = try ["a", "b"].map { try fixture["adamw.\($0).grad.\(step)"] }
            try optimizer.update(gradients: gradients, learningRate: 0.01)
            for (parameter, name) in zip(parameters, ["a", "b"]) {
                try expectEqual(parameter, fixture["adamw.\(name).\(step)"], "\(name) after step \(step)")
            }
        }
        for (index, name) in ["a", "b"].enumerated() {
            try expectEqual(optimizer.means[index], fixture["adamw.\(name).mean"])
            try expectEqual(optimizer.squares[index], fixture["adamw.\(name).square"])
        }
    }

    /// A gradient counts by its indices, however its numbers lie in memory.
    @Test func adamWOfATransposedGradient() throws {
        let start = try Tensor.randn([4, 6], generator: Generator(seed: 1))
        let gradient = try Tensor.randn([4, 6], generator: Generator(seed: 2))
        let transposed = try Tensor.cat([gradient.transpose(0, 1)], 0).transpose(0, 1)
        #expect(try difference(gradient, transposed) == 0)
        let results = try [gradient, transposed].map { gradient in
            let parameter = try start.clone()
            let optimizer = try AdamW([parameter])
            for _ in 0..<2 { try optimizer.update(gradients: [gradient], learningRate: 0.1) }
            return parameter
        }
        #expect(try difference(results[0], results[1]) == 0)
        #expect(throws: TorchError.self) {
            try AdamW([start]).update(gradients: [gradient.transpose(0, 1)], learningRate: 0.1)
        }
    }

    /// PyTorch too orthogonalizes in bfloat16.
    @Test func muon() throws {
        let names = ["wide", "tall", "maps"]
        let matrices = try names.map { try fixture["muon.\($0).0"].clone() }
        let optimizer = try Muon(matrices, maps: [1, 1, 3], momentum: 0.95, weightDecay: 0.1)
        for step in 1...3 {
            let gradients = try names.map { try fixture["muon.\($0).grad.\(step)"] }
            try optimizer.update(gradients: gradients, learningRate: 0.1)
            for (matrix, name) in zip(matrices, names) {
                try expectEqual(
                    matrix, fixture["muon.\(name).\(step)"], tolerance: 2e-3, "\(name) after step \(step)")
            }
        }
        for (momentum, name) in zip(optimizer.momenta, names) {
            try expectEqual(momentum, fixture["muon.\(name).momentum"])
        }
    }

    @Test func clipping() throws {
        let gradients = try ["a", "b"].map { try fixture["clip.\($0)"].clone() }
        let norm = try clip(gradients, norm: 1)
        #expect(abs(norm / (try fixture["clip.norm"].item()) - 1) < 1e-5)
        for (gradient, name) in zip(gradients, ["a", "b"]) {
            try expectEqual(gradient, fixture["clip.\(name).clipped"])
        }
    }

    @Test func exponentialMovingAverage() throws {
        let average = try ExponentialMovingAverage([fixture["ema.0"]])
        for step in 1...3 {
            try average.update([fixture["ema.value.\(step)"]], decay: 0.9)
            try expectEqual(average.tensors[0], fixture["ema.\(step)"])
        }
    }

    @Test(arguments: LearningRateSchedule.Shape.allCases)
    func schedule(_ shape: LearningRateSchedule.Shape) throws {
        let schedule = LearningRateSchedule(peak: 2e-3, warmupSteps: 4, steps: 12, shape: shape)
        let expected = try fixture["schedule.\(shape.rawValue)"].floats()
        for (step, rate) in expected.enumerated() {
            #expect(abs(schedule.rate(at: step) - Double(rate)) < 1e-9, "step \(step)")
        }
    }
}
