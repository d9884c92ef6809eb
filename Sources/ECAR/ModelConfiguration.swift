import Foundation

/// The architecture of an E-CAR model and the path that it learns: all that its parameters' shapes and its equations need.
public struct ModelConfiguration: Codable, Sendable, Equatable {
    /// Channels of the latents, C.
    public var channels: Int
    /// The side h_s of every stage's latents, coarse first, each twice the one before.
    public var sides: [Int]
    /// The side p_s of a token's patch at every stage.
    public var patches: [Int]
    /// How far beyond its patch a token looks at its input; 0 is the paper's. It takes away the edges between patches that a
    /// small model would leave, and costs next to nothing.
    public var overlap: Int
    /// Classes, without the null class.
    public var classes: Int
    /// Width D of every transformer.
    public var width: Int
    /// Attention heads of every transformer.
    public var heads: Int
    /// Layers of the autoregressive transformer; 0 is the ablation of Fig. 5, where the heads do all the work.
    public var arDepth: Int
    /// Blocks of every stage's flow head.
    public var flowDepths: [Int]
    /// Whether a token map passes through an MLP before it conditions the flow head.
    public var conditionMLP: Bool
    /// The weight a_s of the signal at the start of every stage (§A.3); a_1 = 0.
    public var signal: [Double]

    public init(
        channels: Int, sides: [Int], patches: [Int], overlap: Int = 0, classes: Int, width: Int, heads: Int,
        arDepth: Int, flowDepths: [Int], conditionMLP: Bool = true, signal: [Double]? = nil
    ) {
        self.channels = channels
        self.sides = sides
        self.patches = patches
        self.overlap = overlap
        self.classes = classes
        self.width = width
        self.heads = heads
        self.arDepth = arDepth
        self.flowDepths = flowDepths
        self.conditionMLP = conditionMLP
        self.signal = signal ?? sides.indices.map { Double($0) / Double(max(1, sides.count)) }
    }
}

extension ModelConfiguration {
    /// Files without an overlap have none.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            channels: try container.decode(Int.self, forKey: .channels),
            sides: try container.decode([Int].self, forKey: .sides),
            patches: try container.decode([Int].self, forKey: .patches),
            overlap: try container.decodeIfPresent(Int.self, forKey: .overlap) ?? 0,
            classes: try container.decode(Int.self, forKey: .classes),
            width: try container.decode(Int.self, forKey: .width),
            heads: try container.decode(Int.self, forKey: .heads),
            arDepth: try container.decode(Int.self, forKey: .arDepth),
            flowDepths: try container.decode([Int].self, forKey: .flowDepths),
            conditionMLP: try container.decode(Bool.self, forKey: .conditionMLP),
            signal: try container.decode([Double].self, forKey: .signal))
    }
}

// MARK: - Derived

extension ModelConfiguration {
    /// The number of stages, S.
    public var stages: Int { sides.count }

    /// h_s / p_s, the tokens of a row of every stage.
    public var tokenSides: [Int] { zip(sides, patches).map { $0 / $1 } }

    /// N_s = (h_s / p_s)², the tokens of a stage.
    public func tokens(_ stage: Int) -> Int { tokenSides[stage] * tokenSides[stage] }

    /// The tokens of every stage.
    public var tokenCounts: [Int] { sides.indices.map(tokens) }

    /// C·p_s², the numbers in one token's patch.
    public func patchFeatures(_ stage: Int) -> Int { channels * patches[stage] * patches[stage] }

    /// C·(p_s + 2o)², the numbers that a token sees of an image.
    public func seenFeatures(_ stage: Int) -> Int {
        let side = patches[stage] + 2 * overlap
        return channels * side * side
    }

    /// The label of "no class", for guidance.
    public var nullClass: Int { classes }

    /// (B, C, h_s, h_s).
    public func latentShape(_ stage: Int, batch: Int) -> [Int] { [batch, channels, sides[stage], sides[stage]] }

    /// Those of all stages.
    public func latentShapes(batch: Int) -> [[Int]] { (0..<stages).map { latentShape($0, batch: batch) } }
}

// MARK: - Validation

extension ModelConfiguration {
    /// Bounds that keep a hostile file from asking for absurd amounts of memory.
    static let largestWidth = 16_384
    static let largestSide = 4_096
    static let largestDepth = 512
    static let largestOverlap = 16
    static let largestClasses = 1_000_000
    /// Of the token maps of all stages, in numbers: 1 GB in float32.
    static let largestMaps = 1 << 28

    /// - Throws: ``ECARError`` naming the first setting that cannot be.
    public func validate() throws(ECARError) {
        func demand(_ condition: Bool, _ message: @autoclosure () -> String) throws(ECARError) {
            if !condition { throw ECARError("model configuration: \(message())") }
        }
        try demand((1...1024).contains(channels), "channels must be 1…1024, not \(channels)")
        try demand((1...8).contains(stages), "there must be 1…8 sides, not \(stages)")
        for (name, count) in [
            ("patches", patches.count), ("flowDepths", flowDepths.count), ("signal", signal.count),
        ] {
            try demand(count == stages, "\(name) has \(count) entries where sides has \(stages)")
        }
        for (stage, side) in sides.enumerated() {
            try demand((1...Self.largestSide).contains(side), "sides must be 1…\(Self.largestSide), not \(side)")
            try demand(
                stage == 0 || side == 2 * sides[stage - 1], "each side must be twice the one before, not \(sides)")
            try demand(
                patches[stage] >= 1 && side.isMultiple(of: patches[stage]),
                "the patch \(patches[stage]) does not divide the side \(side)")
            try demand(
                (0...Self.largestDepth).contains(flowDepths[stage]),
                "flowDepths must be 0…\(Self.largestDepth), not \(flowDepths[stage])")
            try demand((0..<1).contains(signal[stage]), "signal must be in [0, 1), not \(signal[stage])")
        }
        try demand(
            (0...Self.largestOverlap).contains(overlap), "overlap must be 0…\(Self.largestOverlap), not \(overlap)")
        try demand(signal[0] == 0, "the first stage starts from noise alone, so signal must begin with 0")
        try demand(
            (1...Self.largestClasses).contains(classes), "classes must be 1…\(Self.largestClasses), not \(classes)")
        try demand((1...Self.largestWidth).contains(width), "width must be 1…\(Self.largestWidth), not \(width)")
        try demand(
            tokenCounts.reduce(0, +) <= Self.largestMaps / width,
            "\(tokenCounts.reduce(0, +)) tokens of width \(width) would take too much memory")
        try demand(
            heads >= 1 && width.isMultiple(of: heads), "the width \(width) is not a multiple of \(heads) heads")
        try demand(
            (0...Self.largestDepth).contains(arDepth), "arDepth must be 0…\(Self.largestDepth), not \(arDepth)")
    }
}

// MARK: - Presets

extension ModelConfiguration {
    /// Table 1 of the paper, in the latent space of SDXL's autoencoder for 256×256 images of ImageNet's 1000 classes.
    private static func imageNet(width: Int, heads: Int, arDepth: Int, flowDepth: Int) -> ModelConfiguration {
        ModelConfiguration(
            channels: 4, sides: [8, 16, 32], patches: [2, 2, 2], classes: 1000, width: width, heads: heads,
            arDepth: arDepth, flowDepths: [flowDepth, flowDepth, flowDepth])
    }

    /// E-CAR-S: 156 M parameters.
    public static let small = imageNet(width: 768, heads: 6, arDepth: 10, flowDepth: 2)
    /// E-CAR-B: 516 M parameters.
    public static let base = imageNet(width: 1024, heads: 16, arDepth: 20, flowDepth: 4)
    /// E-CAR-L: 860 M parameters.
    public static let large = imageNet(width: 1152, heads: 16, arDepth: 24, flowDepth: 6)
    /// A model for tests and first steps: 32×32 grey pixels, ten classes.
    public static let tiny = ModelConfiguration(
        channels: 1, sides: [8, 16, 32], patches: [4, 4, 4], classes: 10, width: 64, heads: 2, arDepth: 2,
        flowDepths: [2, 1, 1], conditionMLP: false)

    /// The presets by the names that commands know them by.
    public static let presets: [(name: String, configuration: ModelConfiguration)] = [
        ("E-CAR-S", small), ("E-CAR-B", base), ("E-CAR-L", large), ("tiny", tiny),
        ("E-CAR-S-ablation", small.withoutAutoregression()), ("E-CAR-B-ablation", base.withoutAutoregression()),
        ("E-CAR-L-ablation", large.withoutAutoregression()),
    ]

    /// The ablation of Fig. 5: no autoregressive layers, as many blocks more in the flow heads, split evenly with the
    /// remainder last; a stage then passes only its image on.
    public func withoutAutoregression() -> ModelConfiguration {
        var ablated = self
        ablated.arDepth = 0
        let extra = SamplingSettings.split(steps: arDepth, stages: stages)
        ablated.flowDepths = zip(flowDepths, extra).map { $0 + $1 }
        return ablated
    }
}
