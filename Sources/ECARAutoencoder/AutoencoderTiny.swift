import ECAR
import Torch
import TorchNN

/// TAESDXL (https://github.com/madebyollin/taesd): a small convolutional stand-in for SDXL's autoencoder.
///
/// Its latents are those of SDXL's space times ``LatentSpace/usualScale``; its encoder gives the mean alone. Either half
/// may be absent, and is then missed only by those who use it.
struct AutoencoderTiny: Autoencoder {
    let space = LatentSpace.sdxl
    let scale = LatentSpace.sdxl.usualScale
    let device: Device
    let identity: String
    private let encoder: TinyNetwork?
    private let decoder: TinyNetwork?

    init(encoder: TinyNetwork?, decoder: TinyNetwork?, device: Device, identity: String) {
        (self.encoder, self.decoder, self.device, self.identity) = (encoder, decoder, device, identity)
    }

    func encode(_ pictures: Tensor) throws(TorchError) -> Posterior {
        guard let encoder else { throw TorchError("this copy of TAESDXL has a decoder alone, and cannot encode") }
        // The network's own pictures lie in 0…1.
        return Posterior(mean: try encoder(pictures * 0.5 + 0.5))  // (B, C, h, w)
    }

    func decode(_ latents: Tensor) throws(TorchError) -> Tensor {
        guard let decoder else { throw TorchError("this copy of TAESDXL has an encoder alone, and cannot decode") }
        let soft = try (latents / 3).tanh() * 3  // (B, C, h, w)
        return try decoder(soft) * 2 - 1  // (B, P, H, W)
    }
}

/// One half of ``AutoencoderTiny``: modules in a row, each under its number, of which those without weights take one too.
struct TinyNetwork: Sendable {
    private let modules: [Module]

    private enum Module: Sendable {
        case convolution(Conv2d)
        case block(TinyBlock)
        case relu
        case upsample
    }

    /// The encoder's blocks at each of its four sizes; the decoder's are the same, backwards.
    private static let blocks = [1, 3, 3, 3]

    /// - Parameter width: The channels of every layer inside, W.
    init(encoder parameters: Parameters, width: Int) throws(TorchError) {
        var modules: [Module] = []
        for (size, blocks) in Self.blocks.enumerated() {
            let place = parameters.scope(modules.count)
            modules.append(
                .convolution(
                    size == 0
                        ? try Conv2d(place, 3, width, kernel: 3)
                        : try Conv2d(place, width, width, kernel: 3, stride: 2, hasBias: false)))
            for _ in 0..<blocks { modules.append(.block(try TinyBlock(parameters.scope(modules.count), width))) }
        }
        modules.append(.convolution(try Conv2d(parameters.scope(modules.count), width, 4, kernel: 3)))
        self.modules = modules
    }

    /// - Parameter first: The number of the first convolution: 1 where the clamp of the latents counts as a module.
    init(decoder parameters: Parameters, width: Int, first: Int) throws(TorchError) {
        var modules: [Module] = [.convolution(try Conv2d(parameters.scope(first), 4, width, kernel: 3)), .relu]
        for (size, blocks) in Self.blocks.reversed().enumerated() {
            for _ in 0..<blocks {
                modules.append(.block(try TinyBlock(parameters.scope(first + modules.count), width)))
            }
            let isLast = size == Self.blocks.count - 1
            if !isLast { modules.append(.upsample) }
            let place = parameters.scope(first + modules.count)
            modules.append(.convolution(try Conv2d(place, width, isLast ? 3 : width, kernel: 3, hasBias: isLast)))
        }
        self.modules = modules
    }

    /// Eightfold smaller or larger: (B, 3, 8h, 8w) to (B, 4, h, w), or back.
    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        var x = x
        for module in modules {
            switch module {
            case .convolution(let convolution): x = try convolution(x)  // (B, W, h, w), at the ends 3 or 4 channels
            case .block(let block): x = try block(x)  // (B, W, h, w)
            case .relu: x = try x.relu()
            case .upsample: x = try x.upsampled2x2()  // (B, W, 2h, 2w)
            }
        }
        return x
    }
}

/// Three convolutions around which the input is added.
struct TinyBlock: Sendable {
    let convolutions: [Conv2d]

    init(_ parameters: Parameters, _ width: Int) throws(TorchError) {
        // The odd numbers are the activations between them.
        var convolutions: [Conv2d] = []
        for number in [0, 2, 4] {
            convolutions.append(
                try Conv2d(parameters.scope("conv").scope(number), width, width, kernel: 3))
        }
        self.convolutions = convolutions
    }

    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        var h = x
        for (index, convolution) in convolutions.enumerated() {
            if index > 0 { h = try h.relu() }
            h = try convolution(h)  // (B, W, h, w)
        }
        return try (h + x).relu()  // (B, W, h, w)
    }
}
