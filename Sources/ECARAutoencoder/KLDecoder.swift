import Torch
import TorchNN

/// The decoder of ``AutoencoderKL``: the encoder's way back, from W₄ to W₁ channels, with one block more at each size.
struct KLDecoder: Sendable {
    private let first: Conv2d
    private let middle: MiddleBlock
    private let sizes: [(blocks: [ResnetBlock], larger: Conv2d?)]
    private let norm: GroupNorm
    private let last: Conv2d

    init(_ parameters: Parameters, _ configuration: AutoencoderKL.Configuration, inputs: Int) throws(TorchError) {
        let (widths, groups) = (Array(configuration.widths.reversed()), configuration.groups)
        var width = widths[0]
        first = try Conv2d(parameters.scope("conv_in"), inputs, width, kernel: 3)
        middle = try MiddleBlock(parameters.scope("mid_block"), width, groups: groups)
        var sizes: [(blocks: [ResnetBlock], larger: Conv2d?)] = []
        for (index, next) in widths.enumerated() {
            let place = parameters.scope("up_blocks").scope(index)
            var blocks: [ResnetBlock] = []
            for block in 0...configuration.blocks {
                blocks.append(try ResnetBlock(place.scope("resnets").scope(block), width, next, groups: groups))
                width = next
            }
            let isLast = index == widths.count - 1
            let above = place.scope("upsamplers").scope(0).scope("conv")
            sizes.append((blocks, isLast ? nil : try Conv2d(above, width, width, kernel: 3)))
        }
        self.sizes = sizes
        norm = try GroupNorm(parameters.scope("conv_norm_out"), width, groups: groups)
        last = try Conv2d(parameters.scope("conv_out"), width, 3, kernel: 3)
    }

    func callAsFunction(_ latents: Tensor) throws(TorchError) -> Tensor {
        var x = try middle(first(latents))  // (B, W₄, h, w)
        for (blocks, larger) in sizes {
            for block in blocks { x = try block(x) }  // (B, Wᵢ, H/2ⁱ⁻¹, W/2ⁱ⁻¹), i from 4 to 1
            if let larger { x = try larger(x.upsampled2x2()) }  // (B, Wᵢ, H/2ⁱ⁻², W/2ⁱ⁻²)
        }
        return try last(norm(x).silu())  // (B, 3, H, W)
    }
}
