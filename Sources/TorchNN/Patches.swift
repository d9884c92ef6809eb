import Torch

/// Images as sequences of patches, and back. Tokens are row-major; a token's numbers run over (channel, row, column).
public enum Patches {
    /// - Parameter overlap: How far a token looks beyond the edges of its patch, o; zeros lie outside of the image.
    /// - Returns: (B, N, C·(p + 2o)²).
    public static func split(_ x: Tensor, patch p: Int, overlap: Int = 0) throws(TorchError) -> Tensor {
        guard overlap == 0 else {
            return try x.unfolded(p + 2 * overlap, stride: p, padding: overlap).transpose(1, 2)
        }
        let (batch, channels, height, width) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
        return try x.reshape([batch, channels, height / p, p, width / p, p])
            .permute([0, 2, 4, 1, 3, 5])  // (B, h/p, w/p, C, p, p)
            .reshape([batch, (height / p) * (width / p), channels * p * p])  // (B, N, C·p²)
    }

    public static func join(_ tokens: Tensor, patch p: Int, side: Int) throws(TorchError) -> Tensor {
        let (batch, features, grid) = (tokens.shape[0], tokens.shape[2], side / p)
        return try tokens.reshape([batch, grid, grid, features / (p * p), p, p])
            .permute([0, 3, 1, 4, 2, 5])  // (B, C, h/p, p, w/p, p)
            .reshape([batch, features / (p * p), side, side])  // (B, C, h, w)
    }
}
