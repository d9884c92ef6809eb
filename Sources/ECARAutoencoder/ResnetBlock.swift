import Torch
import TorchNN

/// Two convolutions, each after a normalisation and SiLU, around which the input is added. C channels in, O out.
struct ResnetBlock: Sendable {
    private let norm1, norm2: GroupNorm
    private let conv1, conv2: Conv2d
    private let shortcut: Conv2d?

    init(_ parameters: Parameters, _ inputs: Int, _ outputs: Int, groups: Int) throws(TorchError) {
        norm1 = try GroupNorm(parameters.scope("norm1"), inputs, groups: groups)
        conv1 = try Conv2d(parameters.scope("conv1"), inputs, outputs, kernel: 3)
        norm2 = try GroupNorm(parameters.scope("norm2"), outputs, groups: groups)
        conv2 = try Conv2d(parameters.scope("conv2"), outputs, outputs, kernel: 3)
        shortcut =
            inputs == outputs ? nil : try Conv2d(parameters.scope("conv_shortcut"), inputs, outputs, kernel: 1)
    }

    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        var h = try conv1(norm1(x).silu())  // (B, O, h, w)
        h = try conv2(norm2(h).silu())  // (B, O, h, w)
        return try (shortcut?(x) ?? x) + h  // (B, O, h, w)
    }
}
