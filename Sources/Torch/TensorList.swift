import CTorch

/// Operations on whole lists of tensors, each a single fused call: what optimisers are made of.
public enum TensorList {
    /// One step of AdamW (arXiv 1711.05101), in place. `step` counts from 1.
    public static func adamW(
        _ parameters: [Tensor], gradients: [Tensor], means: [Tensor], squares: [Tensor], step: Int,
        learningRate: Double, beta1: Double, beta2: Double, weightDecay: Double, epsilon: Double
    ) throws(TorchError) {
        guard [gradients, means, squares].allSatisfy({ $0.count == parameters.count }) else {
            throw TorchError("\(parameters.count) parameters have \(gradients.count) gradients")
        }
        let status = Tensor.withHandles(parameters) { parameters in
            Tensor.withHandles(gradients) { gradients in
                Tensor.withHandles(means) { means in
                    Tensor.withHandles(squares) { squares in
                        ct_adamw(
                            parameters, gradients, means, squares, parameters.count, Int64(step), learningRate,
                            beta1, beta2, weightDecay, epsilon)
                    }
                }
            }
        }
        try TorchError.check(status)
    }

    /// a ← (1 − weight)·a + weight·b, for each pair.
    public static func lerpInPlace(_ a: [Tensor], to b: [Tensor], weight: Double) throws(TorchError) {
        try pairwise(a, b) { ct_lerp_in_place($0, $1, $0.count, weight) }
    }

    /// a ← a + factor·b, for each pair.
    public static func addInPlace(_ a: [Tensor], _ b: [Tensor], factor: Double = 1) throws(TorchError) {
        try pairwise(a, b) { ct_add_in_place($0, $1, $0.count, factor) }
    }

    /// a ← factor·a, for each.
    public static func scaleInPlace(_ a: [Tensor], by factor: Double) throws(TorchError) {
        try TorchError.check(Tensor.withHandles(a) { ct_scale_in_place($0, $0.count, factor) })
    }

    /// The Euclidean norm of all elements together.
    public static func norm(_ a: [Tensor]) throws(TorchError) -> Double {
        var value = 0.0
        try TorchError.check(Tensor.withHandles(a) { ct_global_norm($0, $0.count, &value) })
        return value
    }

    private static func pairwise(_ a: [Tensor], _ b: [Tensor], _ call: ([ct_tensor?], [ct_tensor?]) -> Int32)
        throws(TorchError)
    {
        guard a.count == b.count else { throw TorchError("lists of \(a.count) and \(b.count) tensors do not pair") }
        try TorchError.check(Tensor.withHandles(a) { a in Tensor.withHandles(b) { b in call(a, b) } })
    }
}
