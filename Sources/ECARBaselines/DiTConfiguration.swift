import Torch
import TorchNN

/// The architecture of a diffusion transformer (DiT, arXiv 2212.09748).
public struct DiTConfiguration: Sendable, Equatable {
    /// Channels of the latents, C.
    public var channels: Int
    /// The side h of the latents: 32 for 256×256 images, 64 for 512×512, 128 for 1024×1024.
    public var side: Int
    /// The side p of a token's patch.
    public var patch: Int
    /// Classes, without the null class.
    public var classes: Int
    /// Width D.
    public var width: Int
    public var heads: Int
    /// Blocks.
    public var depth: Int

    public init(
        channels: Int = 4, side: Int = 32, patch: Int = 2, classes: Int = 1000, width: Int, heads: Int, depth: Int
    ) {
        (self.channels, self.side, self.patch, self.classes) = (channels, side, patch, classes)
        (self.width, self.heads, self.depth) = (width, heads, depth)
    }

    /// N = (h/p)².
    public var tokens: Int { (side / patch) * (side / patch) }
    /// C·p², the numbers in one token's patch.
    public var patchFeatures: Int { channels * patch * patch }
    /// The label of "no class", for guidance.
    public var nullClass: Int { classes }

    /// (B, C, h, h).
    public func latentShape(batch: Int) -> [Int] { [batch, channels, side, side] }

    /// - Throws: ``TorchError`` naming the first setting that cannot be.
    public func validate() throws(TorchError) {
        guard min(channels, side, patch, classes, width, heads, depth) >= 1 else {
            throw TorchError("every setting of a DiT is at least 1")
        }
        guard side.isMultiple(of: patch) else {
            throw TorchError("the patch \(patch) does not divide the side \(side)")
        }
        guard width.isMultiple(of: heads), width.isMultiple(of: 4) else {
            throw TorchError("the width \(width) is not a multiple of 4 and of \(heads) heads")
        }
    }
}

// MARK: - Presets

extension DiTConfiguration {
    public static let base2 = DiTConfiguration(width: 768, heads: 12, depth: 12)
    public static let large2 = DiTConfiguration(width: 1024, heads: 16, depth: 24)
    public static let extraLarge2 = DiTConfiguration(width: 1152, heads: 16, depth: 28)

    /// The presets by their names in the paper, for latents of the side 32.
    public static let presets: [(name: String, configuration: DiTConfiguration)] = [
        ("DiT-B/2", base2), ("DiT-L/2", large2), ("DiT-XL/2", extraLarge2),
    ]

    /// The same network on latents of another side.
    public func with(side: Int) -> DiTConfiguration {
        var other = self
        other.side = side
        return other
    }
}

// MARK: - Cost

extension DiTConfiguration {
    /// Parameters, the null class among them; the fixed positions are none.
    public var parameters: Int {
        let d = width
        let blocks = depth * (Count.blockParameters(d) + Count.linear(d, 6 * d))
        let ends = Count.linear(patchFeatures, d) + Count.linear(d, 2 * d) + Count.linear(d, 2 * patchFeatures)
        return Count.timestepEmbeddingParameters(d) + (classes + 1) * d + blocks + ends
    }

    /// Multiply-accumulates of the matrix products of one image.
    ///
    /// - Parameter guided: With a class and without: all but the embeddings of patches and times is done twice.
    public func macs(steps: Int, guided: Bool) -> Double {
        let (d, n) = (Double(width), Double(tokens))
        let modulation = Double(depth) * 6 * d * d + 2 * d * d
        let block = n * Count.block(width) + Count.attention(queries: tokens, keys: tokens, width: width)
        let final = n * d * 2 * Double(patchFeatures)
        let once = n * Double(patchFeatures) * d + Count.timestepEmbedding(width)
        return Double(steps) * (once + (guided ? 2 : 1) * (modulation + Double(depth) * block + final))
    }
}
