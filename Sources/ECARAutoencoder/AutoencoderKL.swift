import ECAR
import Torch
import TorchNN

/// SDXL's autoencoder (arXiv 2307.01952; arXiv 2112.10752, §G), under the names that diffusers gives its parameters.
///
/// Letters: pictures (B, 3, H, W), latents (B, C, h, w), h = H/8. Its encoder gives a Gaussian.
struct AutoencoderKL: Autoencoder {
    let space = LatentSpace.sdxl
    let scale = 1.0
    let device: Device
    let identity: String
    private let encoder: KLEncoder
    private let decoder: KLDecoder
    private let moments: Conv2d  // 2C → 2C
    private let unmixed: Conv2d  // C → C

    /// Beyond this range a logarithm of a variance is as good as its ends.
    private static let logVariances = -30.0...20.0

    init(_ configuration: Configuration, _ parameters: Parameters, identity: String) throws(TorchError) {
        let channels = Self.channels
        encoder = try KLEncoder(parameters.scope("encoder"), configuration, outputs: 2 * channels)
        decoder = try KLDecoder(parameters.scope("decoder"), configuration, inputs: channels)
        moments = try Conv2d(parameters.scope("quant_conv"), 2 * channels, 2 * channels, kernel: 1)
        unmixed = try Conv2d(parameters.scope("post_quant_conv"), channels, channels, kernel: 1)
        (device, self.identity) = (parameters.device, identity)
    }

    /// C.
    private static let channels = 4

    func encode(_ pictures: Tensor) throws(TorchError) -> Posterior {
        let parts = try moments(encoder(pictures)).split(1, lengths: [Self.channels, Self.channels])
        return Posterior(mean: parts[0], logVariance: try parts[1].clamp(Self.logVariances))  // (B, C, h, w) each
    }

    func decode(_ latents: Tensor) throws(TorchError) -> Tensor {
        try decoder(unmixed(latents))  // (B, 3, H, W)
    }
}
