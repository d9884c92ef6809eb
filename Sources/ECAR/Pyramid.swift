import Torch

/// The resolutions of an image (Eq. 3.10): every stage's target, clean, coarse first.
public enum Pyramid {
    /// x_1 … x_S of the latents x_S (B, C, h_S, h_S).
    public static func build(_ latents: Tensor, stages: Int) throws(TorchError) -> [Tensor] {
        var images = [latents]
        for _ in 1..<max(1, stages) { images.insert(try down(images[0]), at: 0) }
        return images
    }

    /// Down: the mean of every block of 2×2.
    public static func down(_ x: Tensor) throws(TorchError) -> Tensor { try x.meanPooled(2, stride: 2) }

    /// Up: nearest neighbour ×2.
    public static func up(_ x: Tensor) throws(TorchError) -> Tensor { try x.upsampled2x2() }
}
