import ECAR
import ECARImages
import Files
import Foundation
import Torch

extension Autoencoder {
    /// The posterior of pictures of bytes, its latents those of the space times `latentScale`.
    ///
    /// Nothing records gradients. Large pictures are encoded as ``Tiling`` says, many of them a few at a time.
    ///
    /// - Parameter pictures: uint8 (B, P, H, W) on any device, 0…255; the sides multiples of the space's reduction.
    /// - Throws: `TorchError` where the network does not accept them.
    public func posterior(_ pictures: Tensor, latentScale: Double) throws -> Posterior {
        let (shape, reduction) = (pictures.shape, space.reduction)
        guard shape.count == 4, shape[2...].allSatisfy({ $0 > 0 && $0.isMultiple(of: reduction) }) else {
            throw TorchError(
                "pictures of the shape \(shape) cannot be encoded: the sides are multiples of \(reduction)")
        }
        let factor = latentScale / scale
        // Not inference mode: what it makes could not take part in a training step.
        return try Runtime.withoutGradients {
            let parts = try portions(of: pictures, area: shape[2] * shape[3] / (reduction * reduction)).map { part in
                let values = try part.to(.float32, device) / 127.5 - 1  // (b, P, H, W)
                guard let tiling = tiling(height: shape[2] / reduction, width: shape[3] / reduction) else {
                    return try encode(values)  // (b, C, h, w)
                }
                return try tiling.encode(values, with: self)  // (b, C, h, w)
            }
            let logVariances = parts.compactMap(\.logVariance)
            var posterior = Posterior(
                mean: try joined(parts.map(\.mean)), logVariance: try logVariances.isEmpty ? nil : joined(logVariances))
            guard factor != 1 else { return posterior }
            posterior.mean = try posterior.mean * factor
            posterior.logVariance = try posterior.logVariance.map { try $0 + 2 * log(factor) }
            return posterior
        }
    }

    /// The pictures of latents (B, C, h, w) that are the space's times `latentScale`.
    ///
    /// Large ones are decoded as ``Tiling`` says, many of them a few at a time.
    ///
    /// - Throws: `FileError` where a value is not finite, so that no wrong picture passes silently; `TorchError` where
    ///   the network does not accept the latents.
    public func pictures(_ latents: Tensor, latentScale: Double) throws -> [Image] {
        let shape = latents.shape
        guard shape.count == 4 else { throw TorchError("latents of the shape \(shape) are no pictures") }
        let factor = scale / latentScale
        return try Runtime.inference {
            var images: [Image] = []
            for part in try portions(of: latents, area: shape[2] * shape[3]) {
                let values = try factor == 1 ? part.to(.float32, device) : part.to(.float32, device) * factor
                if let tiling = tiling(height: shape[2], width: shape[3]) {
                    images += try tiling.decode(values, with: self).images()
                } else {
                    images += try decode(values).images()
                }
            }
            return images
        }
    }

    /// Pixels are neither encoded nor decoded, so there is no memory to bound.
    private func tiling(height: Int, width: Int) -> Tiling? {
        space == .pixels || max(height, width) <= Tiling.usual.side ? nil : .usual
    }

    /// Consecutive parts of a batch of so many that the network sees no more latents at once than a tile has by four, but
    /// at least one picture.
    private func portions(of batch: Tensor, area: Int) throws(TorchError) -> [Tensor] {
        let count = batch.shape[0]
        let most = space == .pixels ? count : max(1, 4 * Tiling.usual.side * Tiling.usual.side / max(1, area))
        guard count > most else { return [batch] }
        let lengths = stride(from: 0, to: count, by: most).map { min(most, count - $0) }
        return try batch.split(0, lengths: lengths)
    }

    private func joined(_ parts: [Tensor]) throws(TorchError) -> Tensor {
        try parts.count == 1 ? parts[0] : .cat(parts, 0)
    }
}

extension Tensor {
    /// The pictures of latents (B, C, h, h) that are pixels: −1…1 mapped to 0…255, rounded.
    ///
    /// - Throws: `FileError` where a value is not finite, so that no wrong picture passes silently.
    public func images() throws -> [Image] {
        let shape = self.shape
        let values = try floats()
        let size = shape[1] * shape[2] * shape[3]
        return try (0..<shape[0]).map { index in
            try Image(
                planes: Array(values[index * size..<(index + 1) * size]), channels: shape[1], height: shape[2],
                width: shape[3])
        }
    }
}
