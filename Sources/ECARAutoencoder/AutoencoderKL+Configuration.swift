import ECAR

extension AutoencoderKL {
    /// The sizes of the network, as diffusers' `config.json` has them among much else that changes nothing here.
    struct Configuration: Codable, Sendable, Equatable {
        /// The channels at the full size, a half, a quarter and an eighth.
        var widths: [Int]
        /// The encoder's blocks at each size.
        var blocks: Int
        /// The groups of every normalisation.
        var groups: Int
        var activation: String?
        /// The factor that the latents are modelled with: it tells SDXL's from those of its kin.
        var latentScale: Double?

        enum CodingKeys: String, CodingKey {
            case widths = "block_out_channels"
            case blocks = "layers_per_block"
            case groups = "norm_num_groups"
            case activation = "act_fn"
            case latentScale = "scaling_factor"
        }

        /// SDXL's own.
        static let sdxl = Configuration(widths: [128, 256, 512, 512], blocks: 2, groups: 32)

        func validate() throws(ECARError) {
            guard widths.count == 4, (1...8).contains(blocks), (1...4096).contains(groups) else {
                throw ECARError(
                    "\(widths.count) sizes, \(blocks) layers a block and \(groups) groups, not 4, 1…8 and 1…4096")
            }
            for width in widths where !(1...4096).contains(width) || !width.isMultiple(of: groups) {
                throw ECARError("a width of \(width), not a multiple of the \(groups) groups up to 4096")
            }
            // "swish" is SiLU's other name.
            if let activation, activation != "silu", activation != "swish" {
                throw ECARError("the activation \(activation), not silu")
            }
            if let latentScale, latentScale != LatentSpace.sdxl.usualScale {
                throw ECARError(
                    "the scaling factor \(latentScale), not the \(LatentSpace.sdxl.usualScale) of SDXL's latents")
            }
        }
    }
}
