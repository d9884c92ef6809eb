/// The space whose points the model makes. Nothing outside this file and a model's `config.json` knows a scale.
public enum LatentSpace: String, Codable, Sendable, CaseIterable {
    /// Pixels, their 0…255 mapped to −1…1.
    case pixels
    /// The latents of SDXL's autoencoder (arXiv 2307.01952): four channels, an eighth of the picture's side.
    case sdxl

    /// Pixels along a latent's side.
    public var reduction: Int {
        switch self {
        case .pixels: 1
        case .sdxl: 8
        }
    }

    /// The factor that gives the space's latents a variance near 1, in which they are usually modelled.
    public var usualScale: Double {
        switch self {
        case .pixels: 1
        case .sdxl: 0.13025
        }
    }

    /// The channels of the pictures, grey or colour, whose latents have so many.
    public func pictureChannels(latentChannels: Int) -> Int {
        switch self {
        case .pixels: latentChannels
        case .sdxl: 3
        }
    }

    /// The numbers of channels that its latents may have.
    public var channels: [Int] {
        switch self {
        case .pixels: [1, 3]
        case .sdxl: [4]
        }
    }
}
