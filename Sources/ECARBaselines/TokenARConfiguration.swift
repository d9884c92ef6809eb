import Torch
import TorchNN

/// The architecture of a plain autoregressive transformer that makes an image token by token.
public struct TokenARConfiguration: Sendable, Equatable {
    /// The numbers of a token, F.
    public var features: Int
    /// Of an image, N.
    public var tokens: Int
    /// Classes, without the null class.
    public var classes: Int
    /// Width D.
    public var width: Int
    public var heads: Int
    /// Blocks.
    public var depth: Int

    public init(features: Int, tokens: Int, classes: Int, width: Int, heads: Int, depth: Int) {
        (self.features, self.tokens, self.classes) = (features, tokens, classes)
        (self.width, self.heads, self.depth) = (width, heads, depth)
    }

    /// - Throws: ``TorchError`` naming the first setting that cannot be.
    public func validate() throws(TorchError) {
        guard min(features, tokens, classes, width, heads) >= 1, depth >= 0 else {
            throw TorchError("every setting of a token-by-token transformer is at least 1")
        }
        guard width.isMultiple(of: heads) else {
            throw TorchError("the width \(width) is not a multiple of \(heads) heads")
        }
    }
}

// MARK: - Cost

extension TokenARConfiguration {
    public var parameters: Int {
        let ends = (classes + 1) * width + tokens * width + Count.linear(features, width)
        let blocks = depth * (Count.blockParameters(width) + 4 * width)
        return ends + blocks + 2 * width + Count.linear(width, features)
    }

    /// Multiply-accumulates of the matrix products of one image.
    ///
    /// - Parameters:
    ///   - guided: With a class and without: everything is done twice.
    ///   - cached: Whether keys and values of earlier tokens are kept, or computed again for every token.
    public func macs(guided: Bool, cached: Bool = true) -> Double {
        let (n, d, f) = (Double(tokens), Double(width), Double(features))
        // The i-th pass sees i tokens, of which one is new, or all are computed again. The first of them is the class.
        let passed = cached ? n : n * (n + 1) / 2
        let pairs = cached ? n * (n + 1) / 2 : n * (n + 1) * (2 * n + 1) / 6
        let embedded = cached ? n - 1 : n * (n - 1) / 2
        let blocks = Double(depth) * (passed * Count.block(width) + 2 * pairs * d)
        return (guided ? 2 : 1) * (blocks + embedded * f * d + n * d * f)
    }
}
