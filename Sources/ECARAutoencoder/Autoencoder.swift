import ECAR
import Torch

/// What an encoder says of a picture: a Gaussian over its latents, of which some encoders give the mean alone.
public struct Posterior: Sendable {
    public var mean: Tensor  // (B, C, h, w)
    public var logVariance: Tensor?  // (B, C, h, w)

    public init(mean: Tensor, logVariance: Tensor? = nil) {
        (self.mean, self.logVariance) = (mean, logVariance)
    }
}

extension Posterior {
    public func to(_ device: Device) throws(TorchError) -> Posterior {
        Posterior(
            mean: try mean.to(device),
            logVariance: try logVariance.map { (x) throws(TorchError) in try x.to(device) })
    }

    /// One draw for every picture, from its own seed; the mean itself where there is no variance.
    ///
    /// - Parameter seeds: One a picture.
    public func sample(seeds: [UInt64]) throws(TorchError) -> Tensor {
        guard let logVariance else { return mean }
        let shape = Array(mean.shape.dropFirst())
        let noises = try seeds.map { (seed) throws(TorchError) in
            try Tensor.randn(shape, generator: Generator(seed: seed))
        }
        let noise = try Tensor.stack(noises).to(mean.device)  // (B, C, h, w)
        return try mean.addingProduct((logVariance * 0.5).exp(), noise)  // (B, C, h, w)
    }
}

/// Pictures to latents and back.
///
/// B pictures of H×W pixels and P channels, latents of h×w = H/r × W/r and C channels, r the space's reduction.
public protocol Autoencoder: Sendable {
    /// The space of its latents.
    var space: LatentSpace { get }
    /// The scale of the latents that the network itself reads and writes; 1 is the space's own.
    var scale: Double { get }
    var device: Device { get }
    /// Names the kind and the weights: what a latent cache records of its origin.
    var identity: String { get }

    /// The posterior, in the network's own scale, of pictures (B, P, H, W) whose values lie in −1…1.
    func encode(_ pictures: Tensor) throws(TorchError) -> Posterior
    /// The pictures (B, P, H, W), about −1…1, of latents (B, C, h, w) in the network's own scale.
    func decode(_ latents: Tensor) throws(TorchError) -> Tensor
}

extension Autoencoder {
    /// Tries what will be needed on a small blank picture, before any work is done.
    ///
    /// - Throws: `TorchError` where this copy cannot do it, such as half of an autoencoder.
    public func tryOut(encoding: Bool, decoding: Bool) throws {
        let (side, channels) = (4, space.channels[0])
        try Runtime.withoutGradients {
            let picture = try Tensor.zeros(
                [
                    1, space.pictureChannels(latentChannels: channels), side * space.reduction, side * space.reduction,
                ], device: device)
            if encoding { _ = try encode(picture) }
            if decoding { _ = try decode(.zeros([1, channels, side, side], device: device)) }
        }
    }
}

/// Pixels as they are.
public struct Identity: Autoencoder {
    public let space = LatentSpace.pixels
    public let scale = 1.0
    public let device: Device
    public let identity = "pixels"

    public init(device: Device = .cpu) {
        self.device = device
    }

    public func encode(_ pictures: Tensor) -> Posterior { Posterior(mean: pictures) }
    public func decode(_ latents: Tensor) -> Tensor { latents }
}
