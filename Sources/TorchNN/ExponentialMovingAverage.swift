import Torch

/// A running average of a model's parameters: the weights that images are made with.
public final class ExponentialMovingAverage {
    /// The averages, one for each parameter.
    public let tensors: [Tensor]

    /// Begins at copies of the parameters.
    public init(_ parameters: [Tensor]) throws(TorchError) {
        tensors = try parameters.map { (parameter) throws(TorchError) in try parameter.detach().clone() }
    }

    /// average ← decay·average + (1 − decay)·parameter.
    public func update(_ parameters: [Tensor], decay: Double) throws(TorchError) {
        try TensorList.lerpInPlace(tensors, to: parameters, weight: 1 - decay)
    }

    /// A decay that grows with the number of updates, (1 + n) / (10 + n), up to the wanted one, so that the first random
    /// weights do not linger.
    public static func decay(_ wanted: Double, after updates: Int) -> Double {
        min(wanted, Double(1 + updates) / Double(10 + updates))
    }
}
