import Torch

/// A table of vectors, one an index.
public struct Embedding: Sendable {
    public let weight: Tensor  // (count, D)

    public init(_ parameters: Parameters, _ count: Int, _ width: Int) throws(TorchError) {
        weight = try parameters.tensor("weight", [count, width], .normal(0.1))
    }

    /// The vectors of int64 indices (B), as (B, D).
    public func callAsFunction(_ indices: Tensor) throws(TorchError) -> Tensor {
        try weight.gather(0, indices)
    }
}
