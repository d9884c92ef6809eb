import Torch

/// Where the noise of an image comes from: for every stage its own, hashed from a seed, the stage and, in variations, their number.
public struct NoiseSeed: Codable, Hashable, Sendable {
    /// Other noise in the later stages: the same composition with other details.
    public struct Variation: Codable, Hashable, Sendable {
        /// How many stages keep the seed's own noise.
        public var stagesKept: Int
        /// Which other noise the later stages take; 0 is the image without variation.
        public var number: UInt64

        public init(stagesKept: Int, number: UInt64) {
            (self.stagesKept, self.number) = (stagesKept, number)
        }
    }

    public var seed: UInt64
    public var variation: Variation?

    public init(_ seed: UInt64, variation: Variation? = nil) {
        (self.seed, self.variation) = (seed, variation)
    }

    /// The noise n_s of a stage (C, h, h), standard normal.
    func noise(stage: Int, _ configuration: ModelConfiguration) throws(TorchError) -> Tensor {
        let number = variation.map { stage < $0.stagesKept ? 0 : $0.number } ?? 0
        let own = number == 0 ? Generator.seed(seed, UInt64(stage)) : Generator.seed(seed, UInt64(stage), number)
        let generator = try Generator(seed: own)
        return try .randn(Array(configuration.latentShape(stage, batch: 1).dropFirst()), generator: generator)
    }
}
