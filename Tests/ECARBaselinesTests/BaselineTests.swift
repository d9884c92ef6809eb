import ECARBaselines
import TestSupport
import Testing
import Torch
import TorchNN

/// Numbers of the public code and of diffusers, written by Scripts/baseline_fixtures.py.
struct BaselineFixture {
    let file: TensorFile

    init(_ name: String) throws {
        file = try TensorFile(name)
    }

    subscript(_ name: String) -> Tensor {
        get throws { try file[name] }
    }

    func noises(_ count: Int) throws -> [Tensor] { try (0..<count).map { try self["noise.\($0)"] } }

    /// The weights, all of which a model must ask for.
    func model<Model>(_ make: (Parameters) throws -> Model) throws -> Model {
        var weights: [String: Tensor] = [:]
        for (name, tensor) in file.tensors where name.hasPrefix("weight.") {
            weights[String(name.dropFirst("weight.".count))] = tensor
        }
        let parameters = Parameters(.weights(weights))
        let model = try Runtime.inference { try make(parameters) }
        #expect(parameters.unusedWeights == [])
        return model
    }
}

extension Parameters {
    /// Random weights that are kept by their layers alone.
    static func seeded(_ seed: UInt64) throws -> Parameters {
        Parameters(.fresh(try Generator(seed: seed)), remembers: false)
    }
}

@Suite struct DiTTests {
    static let configuration = DiTConfiguration(side: 8, classes: 5, width: 32, heads: 4, depth: 2)
    let fixture: BaselineFixture

    init() throws {
        fixture = try BaselineFixture("dit")
    }

    private func model(_ precision: Precision = .f32) throws -> DiT {
        try fixture.model { try DiT(Self.configuration, $0, precision: precision) }
    }

    /// The labels are a class and the null class.
    @Test(arguments: [0, 37, 999]) func predictionIsThatOfDiffusers(_ step: Int) throws {
        let prediction = try model().predict(fixture["latents"], at: step, labels: [1, 5])
        try expectEqual(prediction, fixture["predict.\(step)"], tolerance: 1e-5)
    }

    @Test func bf16IsClose() throws {
        let prediction = try model(.bf16).predict(fixture["latents"], at: 37, labels: [1, 5])
        try expectEqual(prediction, fixture["predict.37"], tolerance: 0.03)
    }

    @Test(arguments: [("sample", 1), ("sample.guided", 2.5)])
    func samplingIsThatOfThePublicCode(_ name: String, guidance: Double) throws {
        var sampling = try model().sampling(labels: [1, 3], guidance: guidance, noises: fixture.noises(6))
        let expected = try fixture[name].unbind(0, count: sampling.totalSteps)
        for step in expected.indices {
            let latents = try #require(try sampling.next())
            try expectEqual(latents, expected[step], tolerance: 1e-5, "step \(step)")
        }
        #expect(try sampling.next() == nil)
    }

    /// More steps than the modulations are computed for at once.
    @Test func samplingInWindowsIsFiniteAndSeeded() throws {
        let model = try Runtime.inference { try DiT(Self.configuration, .seeded(3), precision: .f32) }
        func run(_ seed: UInt64) throws -> Tensor {
            var sampling = try model.sampling(labels: [0, 4, 2], steps: 50, guidance: 2, seed: seed)
            var latents: Tensor?
            while let next = try sampling.next() { latents = next }
            return try #require(latents)
        }
        let first = try run(1)
        #expect(try first.isFinite() && difference(first, run(1)) == 0 && difference(first, run(2)) > 0.1)
    }

    @Test func wrongRequestsAreRefused() throws {
        let model = try model()
        #expect(throws: TorchError.self) { try model.sampling(labels: [5], seed: 0) }
        #expect(throws: TorchError.self) { try model.sampling(labels: [], seed: 0) }
        #expect(throws: TorchError.self) { try model.sampling(labels: [0], steps: 0, seed: 0) }
        #expect(throws: TorchError.self) { try model.sampling(labels: [0], noises: [fixture["latents"]]) }
        let odd = DiTConfiguration(side: 9, width: 32, heads: 4, depth: 1)
        #expect(throws: TorchError.self) { try DiT(odd, .seeded(0), precision: .f32) }
    }
}

@Suite struct MARTests {
    static let configuration = MARConfiguration(
        channels: 3, side: 4, classes: 5, width: 32, heads: 4, depth: 2, buffer: 4, head: .init(width: 24, depth: 2))
    let fixture: BaselineFixture

    init() throws {
        fixture = try BaselineFixture("mar")
    }

    private func model(_ precision: Precision) throws -> MAR {
        try fixture.model { try MAR(Self.configuration, $0, precision: precision) }
    }

    private func sampling(_ precision: Precision, guidance: Double) throws -> MARSampling {
        let orders = try fixture["orders"].integers()
        return try model(precision).sampling(
            labels: [1, 3], guidance: guidance, iterations: 6, orders: [Array(orders[..<16]), Array(orders[16...])],
            noises: fixture.noises(5))
    }

    @Test(arguments: [(Precision.f32, 1e-5), (.bf16, 0.03)], [0, 37, 999])
    func headIsThatOfThePublicCode(_ precision: (Precision, tolerance: Double), _ step: Int) throws {
        let prediction = try model(precision.0).predict(
            fixture["tokens"], at: step, conditions: fixture["conditions"])
        let parts = try prediction.split(1, lengths: [3, 3])
        try expectEqual(
            .cat([parts[0] * 1024, parts[1]], 1), fixture["predict.\(step)"], tolerance: precision.tolerance)
    }

    @Test(arguments: [("sample", 1), ("sample.guided", 3)])
    func samplingIsThatOfThePublicCode(_ name: String, guidance: Double) throws {
        var sampling = try sampling(.f32, guidance: guidance)
        let expected = try fixture[name].unbind(0, count: sampling.totalSteps)
        for step in expected.indices {
            let latents = try #require(try sampling.next())
            try expectEqual(latents, expected[step], tolerance: 1e-5, "iteration \(step)")
        }
        #expect(try sampling.next() == nil)
    }

    @Test func bf16IsClose() throws {
        var sampling = try sampling(.bf16, guidance: 1)
        let latents = try #require(try sampling.next())
        try expectEqual(latents, fixture["sample"].unbind(0, count: 6)[0], tolerance: 0.05)
    }

    /// The paper's 64 iterations of 256 tokens: each draws at least one, and ever more of them.
    @Test func knownTokensGrow() {
        let known = MARConfiguration.base.known(iterations: 64)
        let drawn = zip([0] + known, known).map { $1 - $0 }
        #expect(known.last == 256 && known.count == 64 && drawn.allSatisfy { $0 >= 1 })
        #expect(drawn.prefix(5) == [1, 1, 1, 1, 1] && drawn.suffix(3).allSatisfy { $0 >= 6 })
        #expect(MARTests.configuration.known(iterations: 16) == Array(1...16))
    }

    /// More diffusion steps than the modulations are computed for at once.
    @Test func samplingInWindowsIsFiniteAndSeeded() throws {
        let model = try Runtime.inference { try MAR(Self.configuration, .seeded(3), precision: .f32) }
        func run(_ seed: UInt64) throws -> Tensor {
            var sampling = try model.sampling(
                labels: Array(repeating: 2, count: 20), steps: 30, guidance: 2, iterations: 3, seed: seed)
            var latents: Tensor?
            while let next = try sampling.next() { latents = next }
            return try #require(latents)
        }
        let first = try run(1)
        #expect(try first.isFinite() && difference(first, run(1)) == 0 && difference(first, run(2)) > 0.1)
    }

    @Test func wrongRequestsAreRefused() throws {
        let model = try Runtime.inference { try MAR(Self.configuration, .seeded(3), precision: .f32) }
        #expect(throws: TorchError.self) { try model.sampling(labels: [5], iterations: 4, seed: 0) }
        #expect(throws: TorchError.self) { try model.sampling(labels: [0], iterations: 17, seed: 0) }
        #expect(throws: TorchError.self) { try model.sampling(labels: [0], steps: 1001, iterations: 4, seed: 0) }
        #expect(throws: TorchError.self) {
            try model.sampling(labels: [0], iterations: 4, orders: [[0, 0]], noises: [.zeros([1, 16, 3])])
        }
    }
}

@Suite struct BaselineCostTests {
    /// Parameters and, for DiT, MACs of an evaluation as the papers give them, within 1 %.
    @Test(arguments: [("DiT-B/2", 130e6, 23.01e9), ("DiT-L/2", 458e6, 80.71e9), ("DiT-XL/2", 675e6, 118.64e9)])
    func diffusionTransformers(_ name: String, parameters: Double, macs: Double) throws {
        let configuration = try #require(DiTConfiguration.presets.first { $0.name == name }?.configuration)
        #expect(abs(Double(configuration.parameters) / parameters - 1) < 0.01, "\(configuration.parameters)")
        let found = configuration.macs(steps: 1, guided: false)
        #expect(abs(found / macs - 1) < 0.01, "\(found)")
        #expect(abs(configuration.macs(steps: 10, guided: true) / (20 * found) - 1) < 0.001)
    }

    @Test(arguments: [("MAR-B", 208e6), ("MAR-L", 479e6), ("MAR-H", 943e6)])
    func maskedAutoregressiveModels(_ name: String, parameters: Double) throws {
        let configuration = try #require(MARConfiguration.presets.first { $0.name == name }?.configuration)
        #expect(abs(Double(configuration.parameters) / parameters - 1) < 0.01, "\(configuration.parameters)")
    }

    @Test func parametersAreThoseOfTheModels() throws {
        let dit = Parameters(.fresh(try Generator(seed: 0)))
        _ = try DiT(DiTTests.configuration, dit, precision: .f32)
        #expect(DiTTests.configuration.parameters == dit.tensors.reduce(0) { $0 + $1.count })
        let mar = Parameters(.fresh(try Generator(seed: 0)))
        _ = try MAR(MARTests.configuration, mar, precision: .f32)
        #expect(MARTests.configuration.parameters == mar.tensors.reduce(0) { $0 + $1.count })
    }

    /// Random weights are packed layer by layer; a store that kept them would hold every model twice.
    @Test func parametersAreNotRemembered() throws {
        let parameters = Parameters(.fresh(try Generator(seed: 0)), remembers: false)
        _ = try DiT(DiTTests.configuration, parameters, precision: .f32)
        #expect(parameters.tensors.isEmpty && !parameters.names.isEmpty)
    }

    /// One iteration of one step of one block each, added up by hand.
    @Test func macsOfATinyMAR() {
        let c = MARConfiguration(
            channels: 2, side: 2, classes: 1, width: 4, heads: 1, depth: 1, buffer: 1, head: .init(width: 8, depth: 1))
        // The encoder sees the buffer token, the decoder 5 tokens, of which 4 pass through its MLP.
        let encoder = 12 * 16 + 2 * 4
        let decoder = 16 + 5 * 4 * 16 + 2 * 25 * 4 + 4 * 8 * 16
        let head = 4 * (4 * 8 + 5 * 64 + 2 * 64 + 8 * 4)
        let once = 4 * 2 * 8 + 256 * 8 + 64
        #expect(c.macs(steps: 1, guided: false, iterations: 1) == Double(encoder + decoder + head + once))
        #expect(c.macs(steps: 1, guided: true, iterations: 1) == Double(2 * (encoder + decoder + head) + once))
        // Between two iterations the tokens are embedded, for the class and for none.
        let plain = c.macs(steps: 1, guided: false, iterations: 2)
        #expect(c.macs(steps: 1, guided: true, iterations: 2) == 2 * plain - Double(once))
    }
}
