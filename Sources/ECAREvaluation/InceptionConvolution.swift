import Torch
import TorchNN

// B pictures, C channels in, O out, h×w places.

/// A convolution, the batch normalisation of trained statistics folded into it, and ReLU.
struct InceptionConvolution: Sendable {
    /// Of the batch normalisation, as in all ports of the network.
    private static let epsilon = 0.001

    private let convolution: Conv2d

    /// - Parameters:
    ///   - parameters: The place of `conv` and `bn`, on the CPU.
    ///   - padding: As ``Conv2d``'s; by default none where the stride shrinks the picture, else what keeps its size.
    init(
        _ parameters: Parameters, _ inputs: Int, _ outputs: Int, kernel: (Int, Int), stride: Int = 1,
        padding: Int? = nil, device: Device
    ) throws(TorchError) {
        let (conv, norm) = (parameters.scope("conv"), parameters.scope("bn"))
        // The network is only ever read from a file, so it does not matter how its parameters would begin.
        let weight = try conv.tensor("weight", [outputs, inputs, kernel.0, kernel.1], .zeros).to(.float64)
        let gain = try norm.tensor("weight", [outputs], .ones).to(.float64)
        let shift = try norm.tensor("bias", [outputs], .zeros).to(.float64)
        let mean = try norm.tensor("running_mean", [outputs], .zeros).to(.float64)
        let variance = try norm.tensor("running_var", [outputs], .ones).to(.float64)

        let scale = try gain / (variance + Self.epsilon).sqrt()  // (O)
        let kernels = try (weight * scale.reshape([outputs, 1, 1, 1])).to(.float32).channelsLast()  // (O, C, kh, kw)
        let folded = ["weight": kernels, "bias": try (shift - mean * scale).to(.float32)]
        convolution = try Conv2d(
            Parameters(.weights(folded), device: device), inputs, outputs, kernel: kernel.0, width: kernel.1,
            stride: stride, padding: padding ?? (stride == 1 ? nil : 0))
    }

    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try convolution(x).relu()  // (B, O, h, w)
    }
}

/// Makes the convolutions of a place in the network.
struct InceptionLayers {
    /// On the CPU, where folding is precise.
    let parameters: Parameters
    let device: Device

    func scope(_ name: String) -> InceptionLayers {
        InceptionLayers(parameters: parameters.scope(name), device: device)
    }

    func callAsFunction(
        _ name: String, _ inputs: Int, _ outputs: Int, _ kernel: (Int, Int) = (1, 1), stride: Int = 1,
        padding: Int? = nil
    ) throws(TorchError) -> InceptionConvolution {
        try InceptionConvolution(
            parameters.scope(name), inputs, outputs, kernel: kernel, stride: stride, padding: padding, device: device)
    }
}
