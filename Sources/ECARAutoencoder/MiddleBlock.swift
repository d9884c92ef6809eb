import Torch
import TorchNN

/// What both halves of ``AutoencoderKL`` do at their smallest size: attention between two ``ResnetBlock``s.
struct MiddleBlock: Sendable {
    private let before: ResnetBlock
    private let attention: PlaneAttention
    private let after: ResnetBlock

    init(_ parameters: Parameters, _ channels: Int, groups: Int) throws(TorchError) {
        let (resnets, attentions) = (parameters.scope("resnets"), parameters.scope("attentions"))
        before = try ResnetBlock(resnets.scope(0), channels, channels, groups: groups)
        attention = try PlaneAttention(attentions.scope(0), channels, groups: groups)
        after = try ResnetBlock(resnets.scope(1), channels, channels, groups: groups)
    }

    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try after(attention(before(x)))  // (B, C, h, w)
    }
}

/// Self-attention with a single head between the N = h·w places of (B, C, h, w), added to its input.
struct PlaneAttention: Sendable {
    private let norm: GroupNorm
    private let query, key, value, out: Linear  // C → C

    init(_ parameters: Parameters, _ channels: Int, groups: Int) throws(TorchError) {
        norm = try GroupNorm(parameters.scope("group_norm"), channels, groups: groups)
        query = try Linear(parameters.scope("to_q"), channels, channels)
        key = try Linear(parameters.scope("to_k"), channels, channels)
        value = try Linear(parameters.scope("to_v"), channels, channels)
        out = try Linear(parameters.scope("to_out").scope(0), channels, channels)
    }

    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        let shape = x.shape
        let places = try norm(x).reshape([shape[0], 1, shape[1], -1]).transpose(2, 3)  // (B, 1, N, C)
        let seen = try query(places).attention(key: key(places), value: value(places))  // (B, 1, N, C)
        return try x + out(seen).transpose(2, 3).reshape(shape)  // (B, C, h, w)
    }
}
