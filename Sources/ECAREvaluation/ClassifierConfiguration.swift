import ECAR
import ECARImages

/// A classifier's shape and what it knows: `config.json` of its folder.
public struct ClassifierConfiguration: Codable, Sendable, Equatable {
    /// What a classifier says of real pictures that it was not trained on.
    public struct Accuracy: Codable, Sendable, Equatable {
        /// Of how many pictures.
        public var pictures: Int
        public var top1: Double
        public var top5: Double
        /// Of every class, in their order; nil where none of the pictures shows it.
        public var perClass: [Double?]

        public init(pictures: Int, top1: Double, top5: Double, perClass: [Double?]) {
            (self.pictures, self.top1, self.top5, self.perClass) = (pictures, top1, top5, perClass)
        }
    }

    /// The side of its pictures, in pixels; others are scaled to it.
    public var side: Int
    /// 1 (grey) or 3 (colour).
    public var channels: Int
    /// How pictures of another shape become squares.
    public var fit: ImageFit
    /// Channels at each resolution, each half of the one before it; the last are the features.
    public var widths: [Int]
    /// Residual blocks at each resolution.
    public var blocks: Int
    public var classNames: [String]
    /// Measured after the training, where the data set has a part for it.
    public var accuracy: Accuracy?
    /// Where the weights come from: data, command, steps, …
    public var training: [String: String]

    public init(
        side: Int, channels: Int, fit: ImageFit, widths: [Int], blocks: Int, classNames: [String],
        accuracy: Accuracy? = nil, training: [String: String] = [:]
    ) {
        (self.side, self.channels, self.fit) = (side, channels, fit)
        (self.widths, self.blocks, self.classNames) = (widths, blocks, classNames)
        (self.accuracy, self.training) = (accuracy, training)
    }

    /// Widths that suit a side: doubled at every resolution, down to maps of about 8×8.
    public static func widths(side: Int, first: Int = 32, largest: Int = 256) -> [Int] {
        var (widths, rest) = ([first], side)
        while rest > 8 {
            rest /= 2
            widths.append(2 * min(widths[widths.count - 1], largest / 2))
        }
        return widths
    }

    /// - Throws: `ECARError` naming the first setting that cannot be.
    public func validate() throws(ECARError) {
        func demand(_ condition: Bool, _ message: @autoclosure () -> String) throws(ECARError) {
            if !condition { throw ECARError("classifier configuration: \(message())") }
        }
        try demand((1...4096).contains(side), "side must be 1…4096, not \(side)")
        try demand([1, 3].contains(channels), "channels must be 1 or 3, not \(channels)")
        try demand((1...12).contains(widths.count), "there must be 1…12 widths, not \(widths.count)")
        try demand(
            widths.allSatisfy { (Self.groupSize...4096).contains($0) && $0.isMultiple(of: Self.groupSize) },
            "widths must be multiples of \(Self.groupSize) of at most 4096, not \(widths)")
        try demand(
            side >> (widths.count - 1) > 0, "pictures of side \(side) cannot be halved \(widths.count - 1) times")
        try demand((1...16).contains(blocks), "blocks must be 1…16, not \(blocks)")
        try demand(
            (2...1_000_000).contains(classNames.count), "there must be at least 2 classes, not \(classNames.count)")
        for (level, width) in widths.enumerated() {
            let mapSide = ((side - 1) >> level) + 1
            try demand(
                mapSide * mapSide * width * 4 <= Self.largestMap,
                "maps of \(mapSide)×\(mapSide) places with \(width) channels would take too much memory")
        }
        if let accuracy {
            try demand(accuracy.perClass.count == classNames.count, "its accuracy is of other classes")
        }
    }

    /// In bytes, of one picture at one resolution, as float32: a batch of 32 then takes 1 GB, and a network holds a few of
    /// these at a time.
    private static let largestMap = 32 << 20

    /// Channels that are normalised together.
    static let groupSize = 8
}
