import TestSupport
import Testing
import Torch
import TorchNN

/// Layers prepared for inference against the plain ones, and the fused operations against what they stand for.
@Suite struct PackedLayerTests {
    private let generator: Generator

    init() throws { generator = try Generator(seed: 11) }

    private func random(_ shape: [Int], _ dtype: DType = .float32) throws -> Tensor {
        try .randn(shape, generator: generator).to(dtype)
    }

    private static let tolerances: [(Precision, Double)] = [(.f32, 1e-5), (.bf16, 0.01), (.int8, 0.02)]

    @Test(arguments: tolerances, [(1, 16, 48), (5, 72, 40), (67, 130, 257)])
    func linear(_ precision: (Precision, Double), size: (rows: Int, inputs: Int, outputs: Int)) throws {
        let layer = try Linear(Parameters(.random(generator)).scope("x"), size.inputs, size.outputs)
        let packed = try PackedLinear(layer, precision: precision.0)
        let x = try random([2, size.rows, size.inputs])
        let found = try packed(x.to(precision.0.matrixType))
        #expect(found.dtype == precision.0.matrixType)
        try expectEqual(found, layer(x), tolerance: precision.1)
        try expectEqual(
            packed.withoutBias(x.to(precision.0.matrixType)), layer.withoutBias(x), tolerance: precision.1)
        try expectEqual(
            packed.withGELU(x.to(precision.0.matrixType)), layer(x).gelu(), tolerance: precision.1)
    }

    @Test(arguments: tolerances)
    func transformerParts(_ precision: (Precision, Double)) throws {
        let parameters = Parameters(.fresh(generator))
        let mlp = try MLP(parameters.scope("mlp"), 48)
        let attention = try Attention(parameters.scope("attention"), width: 48, heads: 3)
        let x = try random([2, 9, 48])
        let given = try x.to(precision.0.matrixType)
        try expectEqual(PackedMLP(mlp, precision: precision.0)(given), mlp(x), tolerance: 2 * precision.1)
        try expectEqual(
            PackedAttention(attention, precision: precision.0)(given), attention(x), tolerance: 2 * precision.1)
    }

    /// One row is a hundred times as large as the others: with a scale of its own it does not drown them.
    @Test func int8RowsHaveScalesOfTheirOwn() throws {
        let layer = try Linear(Parameters(.random(generator)).scope("x"), 64, 32)
        let packed = try PackedLinear(layer, precision: .int8)
        let (small, large) = (try random([1, 64]), try random([1, 64]) * 100)
        let together = try packed(.cat([small, large], 0).to(.bfloat16))
        #expect(try difference(together.narrow(0, start: 0, length: 1), packed(small.to(.bfloat16))) == 0)
        let zeros = try packed(Tensor.zeros([1, 64], dtype: .bfloat16))
        try expectEqual(zeros, layer.bias.unsqueeze(0), tolerance: 0.01)
    }

    /// Also of the hidden layer of an MLP, and of rows that are tiny, empty or no numbers.
    @Test func int8KeepsRowsApart() throws {
        let packed = try PackedMLP(MLP(Parameters(.fresh(generator)).scope("x"), 32), precision: .int8)
        let rows = try (0..<3).map { _ in try random([1, 32], .bfloat16) }
        let others = try [
            rows[1] * 1000, rows[1] * 1e-38, .zeros([1, 32], dtype: .bfloat16),
            .full([1, 32], .infinity, dtype: .bfloat16), .full([1, 32], .nan, dtype: .bfloat16),
        ]
        let together = try packed(.cat([rows[0]] + others + [rows[2]], 0))
        #expect(try difference(together.narrow(0, start: 0, length: 1), packed(rows[0])) == 0)
        #expect(try difference(together.narrow(0, start: 6, length: 1), packed(rows[2])) == 0)
        #expect(try together.narrow(0, start: 1, length: 3).isFinite())
        for row in 4...5 { #expect(try !together.narrow(0, start: row, length: 1).isFinite()) }
    }

    /// Each version of the loops, from the widest vectors that the processor has down to none.
    @Test(arguments: [128, 256, 512])
    func everyVectorWidth(bits: Int) throws {
        Runtime.limitVectors(to: bits)
        defer { Runtime.limitVectors(to: 512) }
        try modulation(Self.modulations[0], type: .bfloat16)
        try modulation(Self.modulations[3], type: .float32)
        for (width, keys) in [(24, 19), (5, 300)] { try mergedAttention(queries: 71, keys: keys, width: width) }
        try transformerParts(Self.tolerances[2])
        try int8KeepsRowsApart()
    }

    private static let modulations: [(spatial: [Int], hasTemporal: Bool)] = [
        ([3, 5, 120], true), ([1, 5, 120], true), ([3, 1, 120], false), ([1, 1, 120], false),
    ]

    @Test(arguments: modulations, [DType.float32, .bfloat16])
    func modulation(_ shape: (spatial: [Int], hasTemporal: Bool), type: DType) throws {
        let x = try random([3, 5, 40]) * 3 + 1
        let spatial = try random(shape.spatial, type)
        let temporal = try shape.hasTemporal ? random([1, 1, 120], type) : nil
        let modulation = SplitModulation(spatial: spatial, temporal: temporal)
        let whole = try temporal.map { try spatial.to(.float32) + $0.to(.float32) } ?? spatial.to(.float32)
        let parts = try whole.split(2, lengths: [40, 40, 40])

        func norm(_ x: Tensor) throws -> Tensor {
            try x.layerNorm(epsilon: LayerNorm.epsilon) * (parts[2] + 1) + parts[0]
        }
        func stream() throws -> ResidualStream { ResidualStream(try x.clone()) }
        var (exact, rounded, both, twice) = (try stream(), try stream(), try stream(), try stream())
        try expectEqual(exact.norm(modulation, shift: 0, scale: 2, as: .float32), norm(x))
        try expectEqual(rounded.norm(modulation, shift: 0, scale: 2, as: .bfloat16), norm(x), tolerance: 0.005)

        let y = try random([3, 5, 40], type)
        let sum = try x + parts[1] * y.to(.float32)
        try both.add(y, modulation, gate: 1)
        try expectEqual(both.norm(modulation, shift: 0, scale: 2, as: .float32), norm(sum))
        try expectEqual(both.tokens(), sum)
        for _ in 0..<2 { try twice.add(y, modulation, gate: 1) }
        try expectEqual(twice.tokens(), sum + parts[1] * y.to(.float32))
    }

    private static let attentions: [(queries: Int, keys: Int, width: Int)] = [
        (1, 1, 24), (1, 300, 5), (7, 19, 24), (33, 300, 64), (64, 64, 72), (130, 19, 1), (300, 257, 24),
    ]

    @Test(arguments: attentions)
    func mergedAttention(queries: Int, keys: Int, width: Int) throws {
        let q = try random([2, 3, queries, width])
        // As they come out of a product: a token's heads side by side.
        let k = try random([2, keys, 3, width]).transpose(1, 2)
        let v = try random([2, 3, width, keys]).transpose(2, 3)
        func expected(_ q: Tensor, _ k: Tensor, _ v: Tensor) throws -> Tensor {
            try q.attention(key: k, value: v).transpose(1, 2).reshape([2, queries, 3 * width])
        }
        try expectEqual(q.mergedAttention(key: k, value: v), expected(q, k, v))
        // Large scores, of which the largest must be taken away before the exponential; float32 leaves them fewer places.
        try expectEqual((q * 50).mergedAttention(key: k, value: v), expected(q * 50, k, v), tolerance: 5e-5)
        let halves = try [q, k, v].map { try $0.to(.bfloat16) }
        let rounded = try halves.map { try $0.to(.float32) }
        try expectEqual(
            halves[0].mergedAttention(key: halves[1], value: halves[2]), expected(rounded[0], rounded[1], rounded[2]),
            tolerance: 0.015)
    }

    @Test func whatDoesNotFitIsAnError() throws {
        let x = try random([2, 4, 8])
        let fitting = SplitModulation(spatial: try random([2, 4, 24]))
        let wrong: [(x: Tensor, modulation: SplitModulation, shift: Int, scale: Int)] = [
            (x, fitting, 0, 3), (x, fitting, -1, 0), (x, fitting, .max, 0), (try .zeros([2, 4, 0]), fitting, 0, 0),
            (x, SplitModulation(spatial: try random([2, 3, 24])), 0, 1),
            (x, SplitModulation(spatial: try random([2, 4, 24]), temporal: try random([1, 1, 16])), 0, 1),
        ]
        for (x, modulation, shift, scale) in wrong {
            var stream = ResidualStream(x)
            #expect(throws: TorchError.self) { try stream.norm(modulation, shift: shift, scale: scale, as: .float32) }
        }
        for (y, gate) in [(x, 3), (try random([2, 4, 9]), 0)] {
            #expect(throws: TorchError.self) { try x.addInPlace(GatedBranch(y, fitting, gate: gate)) }
            var stream = ResidualStream(x)
            try stream.add(y, fitting, gate: gate)
            #expect(throws: TorchError.self) { try stream.norm(fitting, as: .float32) }
        }
        var unlike = ResidualStream(x)
        try unlike.add(x, SplitModulation(spatial: random([2, 4, 24], .bfloat16)))
        #expect(throws: TorchError.self) { try unlike.norm(fitting, as: .float32) }
        let (q, k) = (try random([1, 2, 3, 4]), try random([1, 2, 5, 4]))
        #expect(throws: TorchError.self) { try q.mergedAttention(key: k, value: q) }
        #expect(throws: TorchError.self) { try q.mergedAttention(key: k.to(.bfloat16), value: k.to(.bfloat16)) }
        #expect(throws: TorchError.self) { try random([8]).packed() }
        #expect(throws: TorchError.self) { try random([8]).packedInt8() }
    }
}
