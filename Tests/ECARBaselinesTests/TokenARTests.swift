import ECARBaselines
import TestSupport
import Testing
import Torch
import TorchNN

/// The token-by-token transformer. B batch, N tokens, F numbers of a token, D width.
@Suite struct TokenARTests {
    private static let small = TokenARConfiguration(features: 3, tokens: 7, classes: 5, width: 16, heads: 2, depth: 2)

    private func finish(_ sampling: TokenARSampling) throws -> Tensor {
        var tokens: [Tensor] = []
        while let token = try sampling.next() { tokens.append(token) }
        return try .cat(tokens, 1)  // (B, N, F)
    }

    /// Ordinary layers over the same weights, all tokens at once, each blind to those after it.
    private func means(_ parameters: Parameters, labels: [Int], tokens: Tensor) throws -> Tensor {
        let c = Self.small
        func norm(_ scope: Parameters, _ x: Tensor) throws -> Tensor { try LayerNorm(scope, c.width)(x) }
        let classes = try Embedding(parameters.scope("classes"), c.classes + 1, c.width)
        let embed = try Linear(parameters.scope("embed"), c.features, c.width)
        let earlier = try tokens.narrow(1, start: 0, length: c.tokens - 1)
        let position = try parameters.tensor("position", [c.tokens, c.width], .zeros)
        var h = try Tensor.cat([classes(Tensor(labels)).unsqueeze(1), embed(earlier)], 1) + position  // (B, N, D)
        for layer in 0..<c.depth {
            let scope = parameters.scope("blocks").scope(layer)
            let attention = try Attention(scope, width: c.width, heads: c.heads)
            h = try h + attention(norm(scope.scope("norm1"), h), blocks: Array(repeating: 1, count: c.tokens))
            h = try h + MLP(scope.scope("mlp"), c.width)(norm(scope.scope("norm2"), h))  // (B, N, D)
        }
        return try Linear(parameters.scope("final"), c.width, c.features)(norm(parameters.scope("norm"), h))
    }

    @Test(arguments: [(Precision.f32, 1e-5), (.bf16, 0.05)])
    func theCacheChangesNothing(_ precision: Precision, _ tolerance: Double) throws {
        let c = Self.small
        let random = try Parameters(.random(Generator(seed: 3)))
        let model = try Runtime.inference { try TokenAR(c, random, precision: precision) }
        let (labels, seed) = ([4, 0], UInt64(9))
        let tokens = try finish(model.sampling(labels: labels, seed: seed))
        #expect(tokens.shape == [2, 7, 3])
        let noise = try Tensor.randn([7, 2, 1, 3], generator: Generator(seed: Generator.seed(seed)))
            .permute([1, 0, 2, 3]).reshape([2, 7, 3])
        let expected = try means(Parameters(.weights(random.dictionary)), labels: labels, tokens: tokens)
        try expectEqual(tokens - noise, expected, tolerance: tolerance)
    }

    @Test func guidanceIsTheClassAndBeyond() throws {
        let model = try Runtime.inference {
            try TokenAR(Self.small, Parameters(.random(Generator(seed: 3))), precision: .f32)
        }
        func tokens(_ guidance: Double) throws -> Tensor {
            try finish(model.sampling(labels: [1], guidance: guidance, seed: 2))
        }
        // As good as none, through both halves of the batch.
        try expectEqual(tokens(1 + 1e-9), tokens(1), tolerance: 1e-5)
        #expect(try difference(tokens(3), tokens(1)) > 1e-4)
    }

    @Test(arguments: [
        small, TokenARConfiguration(features: 2, tokens: 1, classes: 1, width: 8, heads: 1, depth: 0),
    ])
    func parametersAreCounted(_ c: TokenARConfiguration) throws {
        let parameters = try Parameters(.random(Generator(seed: 1)))
        _ = try Runtime.inference { try TokenAR(c, parameters, precision: .f32) }
        #expect(parameters.tensors.reduce(0) { $0 + $1.count } == c.parameters)
    }

    /// By hand, of D = 4, N = 3, F = 2 and one block: 12·D² = 192 a token, 2·D a pair of tokens, F·D at either end.
    @Test func macsAreCounted() {
        let c = TokenARConfiguration(features: 2, tokens: 3, classes: 1, width: 4, heads: 1, depth: 1)
        // 3 passes of one token each; 1 + 2 + 3 pairs; 2 tokens in, 3 out.
        let cached: Double = 3 * 192 + 6 * 8 + 2 * 8 + 3 * 8
        #expect(c.macs(guided: false) == cached)
        // Passes of 1, 2 and 3 tokens; 1 + 4 + 9 pairs; 0 + 1 + 2 tokens in, 3 out.
        let again: Double = 6 * 192 + 14 * 8 + 3 * 8 + 3 * 8
        #expect(c.macs(guided: false, cached: false) == again)
        #expect(c.macs(guided: true) == 2 * cached)
    }

    @Test func whatCannotBeIsRefused() throws {
        let model = try Runtime.inference {
            try TokenAR(Self.small, Parameters(.random(Generator(seed: 1))), precision: .f32)
        }
        for labels in [[5], [-1], []] {
            #expect(throws: TorchError.self) { try model.sampling(labels: labels, seed: 0) }
        }
        var odd = Self.small
        odd.heads = 3
        #expect(throws: TorchError.self) { try odd.validate() }
    }
}
