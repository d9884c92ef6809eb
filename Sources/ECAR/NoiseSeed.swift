import Torch

/// Where the noise of an image comes from: for every stage its own, hashed from a seed and the stage.
public struct NoiseSeed: Codable, Hashable, Sendable {
    /// Other noise in the later stages: the same composition with other details.
    public struct Variation: Codable, Hashable, Sendable {
        /// How many stages keep the seed's own noise.
        public var stagesKept: Int
        /// The later stages take the noise of the seed so much further on; 0 is the image without variation.
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
        let offset = variation.map { stage < $0.stagesKept ? 0 : $0.number } ?? 0
        let generator = try Generator(seed: Generator.seed(seed &+ offset, UInt64(stage)))
        return try .randn(Array(configuration.latentShape(stage, batch: 1).dropFirst()), generator: generator)
    }
}
