import TorchNN

/// Parameters and multiply-accumulates of a model, counted from its configuration alone.
///
/// The paper's "FLOPs" are multiply-accumulates (MACs) of matrix products; element-wise work is not counted.
public struct Cost: Sendable, Equatable {
    /// The share of one stage: its flow head, and its tokens' way through the autoregressive transformer.
    public struct Stage: Codable, Sendable, Equatable {
        public let side: Int
        public let tokens: Int
        /// Parameters of the stage's flow head.
        public let parameters: Int
        /// MACs of the stage for one image.
        public let macs: Double
    }

    public let stages: [Stage]
    /// Parameters of the whole model.
    public let parameters: Int
    /// MACs of one image.
    public let macs: Double

    /// - Parameter settings: Steps, solver and guidance, which doubles the work of the stages that use it.
    public init(_ configuration: ModelConfiguration, sampling settings: SamplingSettings) {
        let (c, d) = (configuration, configuration.width)
        var seen = 0
        var stages: [Stage] = []
        for s in 0..<c.stages {
            let n = c.tokens(s)
            seen += n
            let rows = settings.isGuided(s) ? 2.0 : 1.0
            // Heun looks at the end of every step but the last too, which is where the next begins.
            let times = Double(settings.steps[s])
            let evaluations = settings.solver == .heun ? 2 * times - 1 : times
            let condition = c.conditionMLP ? Count.mlp(d) : 0

            // §3.2, once for the stage: n new tokens that see all tokens so far.
            let arBlock = Double(n) * Count.block(d) + Count.attention(queries: n, keys: seen, width: d)
            let ar = Double(c.arDepth) * arBlock
            let embed = s > 0 ? Double(n * c.seenFeatures(s) * d) : 0
            // §3.3: the spatial modulation once; the temporal one at every time; the rest at every evaluation, where both
            // halves of guidance share the embedding of patches.
            let modulation = Double(c.flowDepths[s] * 6 * d * d + 2 * d * d)
            let spatial = Double(n) * (condition + modulation)
            let temporal = Count.timestepEmbedding(d) + modulation
            let patches = Double(n * c.seenFeatures(s) * d)
            let block = Double(n) * Count.block(d) + Count.attention(queries: n, keys: n, width: d)
            let velocity = Double(c.flowDepths[s]) * block + Double(n * c.patchFeatures(s) * d)

            stages.append(
                Stage(
                    side: c.sides[s], tokens: n, parameters: Self.headParameters(c, s),
                    macs: (ar + embed) * (settings.usesGuidance ? 2 : 1) + rows * spatial
                        + times * temporal + evaluations * (patches + rows * velocity)))
        }
        self.stages = stages
        parameters = Self.arParameters(c) + stages.reduce(0) { $0 + $1.parameters }
        macs = stages.reduce(0) { $0 + $1.macs }
    }

    // MARK: Parameters

    private static func arParameters(_ c: ModelConfiguration) -> Int {
        let d = c.width
        let embeds = (1..<max(1, c.stages)).reduce(0) { $0 + Count.linear(c.seenFeatures($1), d) }
        let positions = c.tokenCounts.reduce(0, +) * d
        return (c.classes + 1) * d + positions + embeds + c.arDepth * (Count.blockParameters(d) + 4 * d) + 2 * d
    }

    private static func headParameters(_ c: ModelConfiguration, _ s: Int) -> Int {
        let (d, features) = (c.width, c.patchFeatures(s))
        let ends = Count.linear(c.seenFeatures(s), d) + c.tokens(s) * d + Count.linear(d, features)
        let time = Count.timestepEmbeddingParameters(d)
        let condition = c.conditionMLP ? Count.mlpParameters(d) : 0
        return condition + ends + time + c.flowDepths[s] * (Count.blockParameters(d) + Count.linear(d, 6 * d))
            + Count.linear(d, 2 * d)
    }
}
