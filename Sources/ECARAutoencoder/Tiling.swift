import ECAR
import Torch

/// Encodes and decodes what is too large for one pass in overlapping tiles, so that the network's memory depends on the
/// tile and not on the picture.
///
/// Where tiles overlap their results are blended linearly. A network that looks no further than a quarter of the
/// overlap makes the same of tiles as of the whole; one that looks further, or normalises over the whole, nearly the same.
public struct Tiling: Sendable, Equatable {
    /// The side of a tile, in latents.
    public let side: Int
    /// The least that neighbours share, in latents.
    public let overlap: Int

    /// What ``Autoencoder`` uses beyond 64×64 latents.
    public static let usual = Tiling(side: 64, overlap: 16)

    /// - Parameter overlap: 1 up to less than the side, and brought into that range otherwise.
    public init(side: Int, overlap: Int) {
        self.side = max(2, side)
        self.overlap = min(max(1, overlap), self.side - 1)
    }

    /// The pictures (B, P, H, W) of latents (B, C, h, w) in the network's own scale.
    public func decode(_ latents: Tensor, with autoencoder: any Autoencoder) throws(TorchError) -> Tensor {
        let factor = autoencoder.space.reduction
        guard latents.shape.count == 4 else { throw TorchError("latents of the shape \(latents.shape) have no tiles") }
        return try blend(latents, reading: 1, writing: factor, height: latents.shape[2], width: latents.shape[3]) {
            (tile) throws(TorchError) in [try autoencoder.decode(tile)]
        }[0]
    }

    /// The posterior of pictures (B, P, H, W) whose sides are multiples of the reduction.
    public func encode(_ pictures: Tensor, with autoencoder: any Autoencoder) throws(TorchError) -> Posterior {
        let (shape, factor) = (pictures.shape, autoencoder.space.reduction)
        guard shape.count == 4, shape[2].isMultiple(of: factor), shape[3].isMultiple(of: factor) else {
            throw TorchError("pictures of the shape \(shape) have no tiles: the sides are multiples of \(factor)")
        }
        let (height, width) = (shape[2] / factor, shape[3] / factor)
        let parts = try blend(pictures, reading: factor, writing: 1, height: height, width: width) {
            (tile) throws(TorchError) in
            let posterior = try autoencoder.encode(tile)
            return [posterior.mean] + (posterior.logVariance.map { [$0] } ?? [])
        }
        return Posterior(mean: parts[0], logVariance: parts.count > 1 ? parts[1] : nil)
    }

    /// What `body` makes of the tiles, put together.
    ///
    /// - Parameters:
    ///   - height: Of the whole, in latents; so is `width`.
    ///   - reading: Elements of `input` along a latent's side; `writing` those of the result.
    private func blend(
        _ input: Tensor, reading: Int, writing: Int, height: Int, width: Int,
        _ body: (Tensor) throws(TorchError) -> [Tensor]
    ) throws(TorchError) -> [Tensor] {
        var wholes: [Tensor] = []
        let (rows, columns) = (tiles(of: height, writing: writing), tiles(of: width, writing: writing))
        for row in rows {
            let strip = try input.narrow(2, start: row.start * reading, length: row.length * reading)
            for column in columns {
                let tile = try strip.narrow(3, start: column.start * reading, length: column.length * reading)
                let weight =
                    try Tensor(row.weights, shape: [row.weights.count, 1], device: input.device)
                    * Tensor(column.weights, shape: [1, column.weights.count], device: input.device)
                for (index, result) in try body(tile).enumerated() {
                    if index == wholes.count {
                        let shape = [result.shape[0], result.shape[1], height * writing, width * writing]
                        wholes.append(try .zeros(shape, device: input.device))
                    }
                    let place = try wholes[index]
                        .narrow(2, start: row.start * writing, length: row.length * writing)
                        .narrow(3, start: column.start * writing, length: column.length * writing)
                    try place.copyInPlace(place.addingProduct(result, weight))
                }
            }
        }
        return wholes
    }

    /// A tile's place along one side.
    private struct Span {
        let start: Int
        let length: Int
        /// Of its elements in the result; those of all tiles add up to 1.
        var weights: [Float]
    }

    /// Tiles spread evenly over `size` latents.
    private func tiles(of size: Int, writing: Int) -> [Span] {
        guard size > side else {
            return [Span(start: 0, length: size, weights: Array(repeating: 1, count: size * writing))]
        }
        // As few tiles as share at least the overlap.
        let steps = (size - overlap - 1) / (side - overlap)
        var sums = [Float](repeating: 0, count: size * writing)
        var spans = (0...steps).map { step in
            let start = step * (size - side) / steps
            let weights = (0..<side * writing).map { index in
                // From the borders that neighbours share; those of the whole are as good as its middle.
                let before = step == 0 ? .infinity : Float(index) + 0.5
                let after = step == steps ? .infinity : Float(side * writing - index) - 0.5
                // The outer quarter of the overlap has seen least of its surroundings, and counts nothing.
                return min(max(0, min(before, after) / Float(overlap * writing) * 2 - 0.5), 1)
            }
            for (index, weight) in weights.enumerated() { sums[start * writing + index] += weight }
            return Span(start: start, length: side, weights: weights)
        }
        for index in spans.indices {
            let start = spans[index].start * writing
            for offset in spans[index].weights.indices { spans[index].weights[offset] /= sums[start + offset] }
        }
        return spans
    }
}
