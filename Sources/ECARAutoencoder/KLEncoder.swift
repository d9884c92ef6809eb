import Torch
import TorchNN

/// The encoder of ``AutoencoderKL``: convolutions at the full size, a half, a quarter and an eighth of it, of W₁ … W₄
/// channels.
struct KLEncoder: Sendable {
    private let first: Conv2d
    private let sizes: [(blocks: [ResnetBlock], smaller: Conv2d?)]
    private let middle: MiddleBlock
    private let norm: GroupNorm
    private let last: Conv2d

    init(_ parameters: Parameters, _ configuration: AutoencoderKL.Configuration, outputs: Int) throws(TorchError) {
        let (widths, groups) = (configuration.widths, configuration.groups)
        var width = widths[0]
        first = try Conv2d(parameters.scope("conv_in"), 3, width, kernel: 3)
        var sizes: [(blocks: [ResnetBlock], smaller: Conv2d?)] = []
        for (index, next) in widths.enumerated() {
            let place = parameters.scope("down_blocks").scope(index)
            var blocks: [ResnetBlock] = []
            for block in 0..<configuration.blocks {
                blocks.append(try ResnetBlock(place.scope("resnets").scope(block), width, next, groups: groups))
                width = next
            }
            let isLast = index == widths.count - 1
            let below = place.scope("downsamplers").scope(0).scope("conv")
            sizes.append((blocks, isLast ? nil : try Conv2d(below, width, width, kernel: 3, stride: 2, padding: 0)))
        }
        self.sizes = sizes
        middle = try MiddleBlock(parameters.scope("mid_block"), width, groups: groups)
        norm = try GroupNorm(parameters.scope("conv_norm_out"), width, groups: groups)
        last = try Conv2d(parameters.scope("conv_out"), width, outputs, kernel: 3)
    }

    func callAsFunction(_ pictures: Tensor) throws(TorchError) -> Tensor {
        var x = try first(pictures)  // (B, W₁, H, W)
        for (blocks, smaller) in sizes {
            for block in blocks { x = try block(x) }  // (B, Wᵢ, H/2ⁱ⁻¹, W/2ⁱ⁻¹)
            // The padding is at the right and the bottom alone.
            if let smaller { x = try smaller(x.padded([0, 1, 0, 1])) }  // (B, Wᵢ, H/2ⁱ, W/2ⁱ)
        }
        x = try middle(x)  // (B, W₄, h, w)
        return try last(norm(x).silu())  // (B, 2C, h, w)
    }
}
