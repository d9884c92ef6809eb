import Foundation
import Torch
import TorchNN

/// The architecture of a masked autoregressive model (MAR, arXiv 2406.11838).
public struct MARConfiguration: Sendable, Equatable {
    /// The diffusion MLP that draws a token.
    public struct Head: Sendable, Equatable {
        public var width: Int
        public var depth: Int

        public init(width: Int, depth: Int) { (self.width, self.depth) = (width, depth) }
    }

    /// Channels of the latents, C: the numbers of a token.
    public var channels: Int
    /// The side h of the latents: 16 for 256×256 images. Every position is a token.
    public var side: Int
    public var classes: Int
    /// Width D of encoder and decoder.
    public var width: Int
    public var heads: Int
    /// Blocks of the encoder, and of the decoder.
    public var depth: Int
    /// Tokens before the image's that carry the class.
    public var buffer: Int
    public var head: Head

    public init(
        channels: Int = 16, side: Int = 16, classes: Int = 1000, width: Int, heads: Int, depth: Int, buffer: Int = 64,
        head: Head
    ) {
        (self.channels, self.side, self.classes) = (channels, side, classes)
        (self.width, self.heads, self.depth, self.buffer, self.head) = (width, heads, depth, buffer, head)
    }

    /// N = h².
    public var tokens: Int { side * side }

    /// (B, C, h, h).
    public func latentShape(batch: Int) -> [Int] { [batch, channels, side, side] }

    /// - Throws: ``TorchError`` naming the first setting that cannot be.
    public func validate() throws(TorchError) {
        let settings = [channels, side, classes, width, heads, depth, buffer, head.width, head.depth]
        guard settings.allSatisfy({ $0 >= 1 }) else { throw TorchError("every setting of a MAR is at least 1") }
        guard width.isMultiple(of: heads) else {
            throw TorchError("the width \(width) is not a multiple of \(heads) heads")
        }
    }

    /// How many tokens are known after each iteration: few at first, ever more by a cosine, at least one more each time.
    ///
    /// - Parameter iterations: 1…N; other numbers count as the nearest of these.
    public func known(iterations: Int) -> [Int] {
        let iterations = max(1, min(iterations, tokens))
        var masked = tokens
        return (1...iterations).map { i in
            let wanted = Int((Double(tokens) * cos(.pi / 2 * Double(i) / Double(iterations))).rounded(.down))
            masked = i == iterations ? 0 : max(1, min(masked - 1, wanted))
            return tokens - masked
        }
    }
}

// MARK: - Presets

extension MARConfiguration {
    public static let base = MARConfiguration(width: 768, heads: 12, depth: 12, head: Head(width: 1024, depth: 6))
    public static let large = MARConfiguration(width: 1024, heads: 16, depth: 16, head: Head(width: 1280, depth: 8))
    public static let huge = MARConfiguration(width: 1280, heads: 16, depth: 20, head: Head(width: 1536, depth: 12))

    /// The presets by their names in the paper, in the latent space of a KL-16 autoencoder for 256×256 images.
    public static let presets: [(name: String, configuration: MARConfiguration)] = [
        ("MAR-B", base), ("MAR-L", large), ("MAR-H", huge),
    ]
}

// MARK: - Cost

extension MARConfiguration {
    public var parameters: Int {
        let (d, w) = (width, head.width)
        let positions = 2 * (buffer + tokens) * d + tokens * d
        let embeddings = (classes + 1) * d + Count.linear(channels, d) + 2 * d + Count.linear(d, d) + d
        let blocks = 2 * depth * (Count.blockParameters(d) + 4 * d) + 2 * 2 * d
        let block = 2 * w + 2 * Count.linear(w, w) + Count.linear(w, 3 * w)
        let ends =
            Count.linear(channels, w) + Count.linear(d, w) + Count.linear(w, 2 * w) + Count.linear(w, 2 * channels)
        return positions + embeddings + blocks + Count.timestepEmbeddingParameters(w) + head.depth * block + ends
    }

    /// Multiply-accumulates of the matrix products of one image.
    ///
    /// - Parameters:
    ///   - steps: Diffusion steps of a token.
    ///   - guided: With a class and without: all but what the head embeds, noise and times, is done twice.
    public func macs(steps: Int, guided: Bool, iterations: Int = 64) -> Double {
        let known = known(iterations: iterations)
        let (d, w, c) = (Double(width), Double(head.width), Double(channels))
        let (rows, layers, n) = (guided ? 2.0 : 1.0, Double(depth), buffer + tokens)
        let perStep = Double(head.depth) * 5 * w * w + 2 * w * w + w * 2 * c
        var total = Double(steps) * Count.timestepEmbedding(head.width)
        for (before, after) in zip([0] + known, known) {
            let (seen, new) = (buffer + before, Double(after - before))
            let encoder =
                layers * (Double(seen) * Count.block(width) + Count.attention(queries: seen, keys: seen, width: width))
            // In the decoder's last block only the tokens of this iteration pass through the MLP.
            let decoder =
                Double(seen) * d * d
                + layers * (Double(n) * Count.projections(width) + Count.attention(queries: n, keys: n, width: width))
                + ((layers - 1) * Double(n) + new) * Count.mlp(width)
            // The last tokens are not seen again.
            let embed = after < tokens ? new * c * d : 0
            total += rows * (embed + encoder + decoder + new * (d * w + Double(steps) * perStep))
            total += new * Double(steps) * c * w
        }
        return total
    }
}
