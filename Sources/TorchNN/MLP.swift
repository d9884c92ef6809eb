import Torch

/// Two linear layers with GELU (tanh) between them; the hidden layer is four times as wide.
public struct MLP {
    let `in`: Linear
    let out: Linear

    public init(_ parameters: Parameters, _ width: Int) throws(TorchError) {
        `in` = try Linear(parameters.scope("in"), width, 4 * width)
        out = try Linear(parameters.scope("out"), 4 * width, width)
    }

    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try out(`in`(x).gelu())  // (B, N, D) → (B, N, 4D) → (B, N, D)
    }
}
