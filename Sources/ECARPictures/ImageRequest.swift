import ECAR

/// One image that is wanted: everything about it that is not the same for all images of a command.
public struct ImageRequest: Codable, Equatable, Sendable {
    public let `class`: Int
    public let className: String
    public let seed: UInt64
    public let variation: NoiseSeed.Variation?

    public init(class: Int, className: String, seed: UInt64, variation: NoiseSeed.Variation? = nil) {
        (self.class, self.className, self.seed, self.variation) = (`class`, className, seed, variation)
    }

    /// Where its noise comes from.
    public var noise: NoiseSeed { NoiseSeed(seed, variation: variation) }
}
