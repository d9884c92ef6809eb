import Torch

/// AdamW (arXiv 1711.05101), with its moments for a fixed list of parameters.
public final class AdamW {
    public var beta1: Double
    public var beta2: Double
    public var weightDecay: Double
    public static let epsilon = 1e-8

    /// First and second moments, one of each for a parameter, of its shape.
    public let means: [Tensor]
    public let squares: [Tensor]
    /// Steps taken.
    public var step = 0

    private let parameters: [Tensor]

    public init(_ parameters: [Tensor], beta1: Double = 0.9, beta2: Double = 0.999, weightDecay: Double = 0)
        throws(TorchError)
    {
        self.parameters = parameters
        (self.beta1, self.beta2, self.weightDecay) = (beta1, beta2, weightDecay)
        means = try parameters.map { (parameter) throws(TorchError) in try parameter.zerosLike() }
        squares = try parameters.map { (parameter) throws(TorchError) in try parameter.zerosLike() }
    }

    /// Changes the parameters by one step along the gradients.
    public func update(gradients: [Tensor], learningRate: Double) throws(TorchError) {
        step += 1
        try TensorList.adamW(
            parameters, gradients: gradients, means: means, squares: squares, step: step, learningRate: learningRate,
            beta1: beta1, beta2: beta2, weightDecay: weightDecay, epsilon: Self.epsilon)
    }
}

/// Scales gradients in place so that their joint norm is at most `norm`, and returns what it was before.
public func clip(_ gradients: [Tensor], norm: Double) throws(TorchError) -> Double {
    let total = try TensorList.norm(gradients)
    if total > norm { try TensorList.scaleInPlace(gradients, by: norm / (total + 1e-6)) }
    return total
}
