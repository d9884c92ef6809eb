import Torch
import TorchNN

/// A plain autoregressive transformer that makes an image token by token with a key/value cache, prepared for sampling: what
/// E-CAR's stages are to be measured against.
///
/// A token is its mean as the transformer has it, plus unit noise. What a model that has learned more of a token's
/// distribution than its mean spends on drawing it, such as MAR's diffusion head, comes on top and is not counted here.
public struct TokenAR {
    struct Block {
        let norm1: SplitModulation
        let qkv: PackedLinear  // D → 3D
        let out: PackedLinear  // D → D
        let norm2: SplitModulation
        let mlp: PackedMLP
    }

    public let configuration: TokenARConfiguration
    public let precision: Precision
    public let device: Device
    let classEmbedding: Embedding
    let position: Tensor  // (N, D)
    let embed: PackedLinear  // F → D
    let blocks: [Block]
    let norm: SplitModulation
    let final: PackedLinear  // D → F

    /// Takes the parameters layer by layer and packs each at once.
    ///
    /// - Throws: ``TorchError`` for a configuration that cannot be, missing weights, or a precision that the device does
    ///   not have.
    public init(_ configuration: TokenARConfiguration, _ parameters: Parameters, precision: Precision)
        throws(TorchError)
    {
        try configuration.validate()
        (self.configuration, self.precision, device) = (configuration, precision, parameters.device)
        let (width, features) = (configuration.width, configuration.features)
        classEmbedding = try Embedding(parameters.scope("classes"), configuration.classes + 1, width)
        position = try parameters.tensor("position", [configuration.tokens, width], .normal(0.02))
        embed = try PackedLinear(
            Linear(parameters.scope("embed"), features, width), precision: precision.ofSensitiveLayers)
        blocks = try (0..<configuration.depth).map { (layer) throws(TorchError) in
            let scope = parameters.scope("blocks").scope(layer)
            return Block(
                norm1: try branch(scope.scope("norm1"), width),
                qkv: try PackedLinear(Linear(scope.scope("qkv"), width, 3 * width), precision: precision),
                out: try PackedLinear(Linear(scope.scope("out"), width, width), precision: precision),
                norm2: try branch(scope.scope("norm2"), width),
                mlp: try PackedMLP(MLP(scope.scope("mlp"), width), precision: precision))
        }
        norm = try branch(parameters.scope("norm"), width)
        final = try PackedLinear(
            Linear(parameters.scope("final"), width, features), precision: precision.ofSensitiveLayers)
    }

    /// Begins images of the given classes. No token is made before ``TokenARSampling/next()``.
    ///
    /// - Throws: ``TorchError`` for a class that the model does not have, or no class at all.
    public func sampling(labels: [Int], guidance: Double = 1, seed: UInt64) throws -> TokenARSampling {
        if let wrong = labels.first(where: { !(0..<configuration.classes).contains($0) }) {
            throw TorchError("there is no class \(wrong): the model has the classes 0…\(configuration.classes - 1)")
        }
        guard !labels.isEmpty else { throw TorchError("there is no class to make an image of") }
        return try TokenARSampling(model: self, labels: labels, guidance: guidance, seed: seed)
    }
}

/// Images on their way, one token at a time. No value: its caches are written in place, so that making a token does not copy
/// all those before it.
///
/// B images, R rows (B, or 2B where guidance is in use), N tokens, F numbers of a token, H heads, d = D/H.
public final class TokenARSampling {
    private let model: TokenAR
    private let conditions: [Int]
    private let images: Int
    private let guidance: Double
    private let noise: Tensor  // (N, B, 1, F)
    private let caches: [(keys: Tensor, values: Tensor)]  // (R, H, N, d) each
    private var index = 0
    private var last: Tensor?  // (B, 1, F)

    fileprivate init(model: TokenAR, labels: [Int], guidance: Double, seed: UInt64) throws {
        let (c, images) = (model.configuration, labels.count)
        (self.model, self.guidance, self.images) = (model, guidance, images)
        conditions = labels + (guidance == 1 ? [] : labels.map { _ in c.classes })
        let shape = [conditions.count, c.heads, c.tokens, c.width / c.heads]
        (noise, caches) = try Runtime.inference { [type = model.precision.matrixType, device = model.device] in
            let generator = try Generator(seed: Generator.seed(seed))
            return (
                try Tensor.randn([c.tokens, images, 1, c.features], generator: generator).to(device),
                try (0..<c.depth).map { _ in
                    (try .zeros(shape, dtype: type, device: device), try .zeros(shape, dtype: type, device: device))
                }
            )
        }
    }

    public var totalSteps: Int { model.configuration.tokens }

    /// Makes one more token of every image (B, 1, F); nil when all are there.
    public func next() throws -> Tensor? {
        guard index < totalSteps else { return nil }
        return try Runtime.inference { try advance() }
    }

    private func advance() throws(TorchError) -> Tensor {
        let type = model.precision.matrixType
        var x = ResidualStream(try input())  // (R, 1, D)
        for (block, cache) in zip(model.blocks, caches) {
            try x.add(block.out(attention(block, cache, x.norm(block.norm1, as: type))), block.norm1)
            try x.add(block.mlp(x.norm(block.norm2, as: type)), block.norm2)
        }
        let h = try x.norm(model.norm, as: type)  // (R, 1, D)
        var mean = try model.final(h).to(.float32)  // (R, 1, F)
        if guidance != 1 {
            let halves = try mean.split(0, lengths: [images, images])
            mean = try halves[1] + (halves[0] - halves[1]) * guidance  // (B, 1, F)
        }
        let token = try mean + noise.narrow(0, start: index, length: 1).reshape(mean.shape)  // (B, 1, F)
        (last, index) = (token, index + 1)
        return token
    }

    /// The class at first, then the token before.
    private func input() throws(TorchError) -> Tensor {
        let position = try model.position.narrow(0, start: index, length: 1)  // (1, D)
        guard let last else {
            return try model.classEmbedding(Tensor(conditions, device: model.device)).unsqueeze(1) + position
        }
        let rows = guidance == 1 ? last : try .cat([last, last], 0)  // (R, 1, F)
        return try model.embed(rows).to(.float32) + position  // (R, 1, D)
    }

    /// The new token's attention to itself and all before it.
    private func attention(_ block: TokenAR.Block, _ cache: (keys: Tensor, values: Tensor), _ x: Tensor)
        throws(TorchError) -> Tensor
    {
        let c = model.configuration
        let (q, k, v) = try block.qkv(x).splitHeads(c.heads)  // (R, H, 1, d)
        try cache.keys.narrow(2, start: index, length: 1).copyInPlace(k)
        try cache.values.narrow(2, start: index, length: 1).copyInPlace(v)
        let keys = try cache.keys.narrow(2, start: 0, length: index + 1)  // (R, H, M, d)
        let values = try cache.values.narrow(2, start: 0, length: index + 1)  // (R, H, M, d)
        // Not the merged form, which lays the keys out anew for many queries.
        return try q.attention(key: keys, value: values).reshape([x.shape[0], 1, c.width])  // (R, 1, D)
    }
}
