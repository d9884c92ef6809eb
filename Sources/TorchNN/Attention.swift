import Torch

/// Multi-head self-attention (arXiv 1706.03762). B batch, N tokens, H heads, d = D/H.
public struct Attention {
    let qkv: Linear  // D → 3D
    let out: Linear  // D → D
    let heads: Int

    public init(_ parameters: Parameters, width: Int, heads: Int) throws(TorchError) {
        qkv = try Linear(parameters.scope("qkv"), width, 3 * width)
        out = try Linear(parameters.scope("out"), width, width)
        self.heads = heads
    }

    /// Every token sees every token.
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        let (q, k, v) = try split(x)  // (B, H, N, d)
        return try merge(q.attention(key: k, value: v))  // (B, N, D)
    }

    /// Block-causal: a token sees its own block of the sequence and all before it, given the blocks' lengths.
    ///
    /// The mask is never built: each block's queries meet just the keys that they may see.
    public func callAsFunction(_ x: Tensor, blocks: [Int]) throws(TorchError) -> Tensor {
        let (q, k, v) = try split(x)  // (B, H, N, d)
        var seen: [Tensor] = []
        var end = 0
        for length in blocks {
            let queries = try q.narrow(2, start: end, length: length)  // (B, H, N_s, d)
            end += length
            let (keys, values) = (try k.narrow(2, start: 0, length: end), try v.narrow(2, start: 0, length: end))
            seen.append(try queries.attention(key: keys, value: values))
        }
        return try merge(.cat(seen, 2))  // (B, N, D)
    }

    private func split(_ x: Tensor) throws(TorchError) -> (Tensor, Tensor, Tensor) {
        try qkv(x).splitHeads(heads)  // (B, H, N, d) each
    }

    private func merge(_ x: Tensor) throws(TorchError) -> Tensor {
        let shape = x.shape  // (B, H, N, d)
        return try out(x.transpose(1, 2).reshape([shape[0], shape[2], shape[1] * shape[3]]))  // (B, N, D)
    }
}

extension Tensor {
    /// Queries, keys and values of every head, from those side by side: (B, N, 3·H·d) → three views (B, H, N, d).
    package func splitHeads(_ heads: Int) throws(TorchError) -> (Tensor, Tensor, Tensor) {
        let shape = shape
        let parts = try reshape([shape[0], shape[1], 3, heads, shape[2] / (3 * heads)])
            .permute([2, 0, 3, 1, 4])  // (3, B, H, N, d)
            .unbind(0, count: 3)
        return (parts[0], parts[1], parts[2])
    }
}
