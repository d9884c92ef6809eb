import ECAR

/// One image that is wanted: everything about it that is not the same for all images of a command.
public struct ImageRequest: Codable, Equatable, Sendable {
    public let `class`: Int
    public let className: String
    public let seed: UInt64
    public let variation: NoiseSeed.Variation?
    /// The number, from 1, that it has on a contact sheet of drafts, or that of the draft which it goes on from.
    public let draft: Int?

    public init(
        class: Int, className: String, seed: UInt64, variation: NoiseSeed.Variation? = nil, draft: Int? = nil
    ) {
        (self.class, self.className, self.seed) = (`class`, className, seed)
        (self.variation, self.draft) = (variation, draft)
    }

    /// Where its noise comes from.
    public var noise: NoiseSeed { NoiseSeed(seed, variation: variation) }

    /// The same image with other noise after so many stages; number 0 is the image itself.
    public func varied(_ number: UInt64, stagesKept: Int) -> ImageRequest {
        ImageRequest(
            class: `class`, className: className, seed: seed,
            variation: number == 0 ? nil : .init(stagesKept: stagesKept, number: number), draft: draft)
    }
}
