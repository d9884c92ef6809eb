import Torch

/// Guidance without a classifier (arXiv 2207.12598): the class's velocity moves away from the null class's.
struct Guidance {
    /// g; 1 is none.
    let scale: Double
    /// η: how much of the pull along the predicted image stays.
    let parallel: Double

    /// The guided velocity of z (B, C, h, h) at the time τ.
    ///
    /// With η = 1 it is v_u + g·(v_c − v_u). The part of v_c − v_u that is parallel to the image x̂ = z + (1 − τ)·v_c, to which v_c
    /// leads, only scales that image, and so saturates its colours; η weighs it (arXiv 2410.02416, of an image's prediction).
    ///
    /// - Parameters:
    ///   - v: v_c, the class's velocity.
    ///   - u: v_u, the null class's.
    func velocity(_ z: Tensor, class v: Tensor, null u: Tensor, at τ: Double) throws(TorchError) -> Tensor {
        let pull = try v - u
        guard parallel != 1 else { return try u + pull * scale }
        let image = try z + v * (1 - τ)
        let along = try image * (Self.dot(pull, image) / (Self.dot(image, image) + 1e-12))
        return try v + (pull - along * (1 - parallel)) * (scale - 1)
    }

    /// ⟨a, b⟩ of every image's entries, (B, 1, 1, 1).
    private static func dot(_ a: Tensor, _ b: Tensor) throws(TorchError) -> Tensor {
        try (a * b).sum(3, keeping: true).sum(2, keeping: true).sum(1, keeping: true)
    }
}
