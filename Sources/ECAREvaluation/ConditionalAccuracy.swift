import Torch

/// How often a classifier finds in pictures the classes that they were made for.
public struct ConditionalAccuracy: Sendable {
    /// A class that pictures of another one were taken for.
    public struct Mistake: Sendable, Equatable {
        public let label: Int
        public let pictures: Int
    }

    /// What was found of a class's pictures.
    public struct OfClass: Sendable, Equatable {
        public let label: Int
        public let pictures: Int
        public let correct: Int
        /// What most of its other pictures were taken for.
        public let mistake: Mistake?
    }

    /// Whether each picture's class is the likeliest one, in the order of the pictures.
    public let isTop1: [Bool]
    /// Whether it is among the five likeliest.
    public let isTop5: [Bool]
    private let labels: [Int]
    private let likeliest: [Int]

    /// - Parameters:
    ///   - probabilities: Of every class (N, K).
    ///   - labels: The wanted classes (N), 0 ..< K.
    /// - Throws: `TorchError` where there are not as many labels as pictures, or one is out of range.
    public init(probabilities: Tensor, labels: [Int]) throws(TorchError) {
        let shape = probabilities.shape
        guard shape.count == 2, shape[0] == labels.count, labels.allSatisfy({ (0..<shape[1]).contains($0) }) else {
            throw TorchError("\(labels.count) labels do not fit probabilities of the shape \(shape)")
        }
        let count = min(5, shape[1])
        let best = try probabilities.largest(count).indices.integers()  // (N, 5)
        self.labels = labels
        likeliest = labels.indices.map { best[$0 * count] }
        isTop1 = zip(likeliest, labels).map(==)
        isTop5 = labels.indices.map { best[$0 * count..<($0 + 1) * count].contains(labels[$0]) }
    }

    public var top1: Double { isTop1.share }
    public var top5: Double { isTop5.share }

    /// Of every class that has pictures, in their order.
    public var classes: [OfClass] {
        var found: [Int: [Int: Int]] = [:]
        for (label, guess) in zip(labels, likeliest) { found[label, default: [:]][guess, default: 0] += 1 }
        return found.sorted { $0.key < $1.key }.map { label, guesses in
            let wrong = guesses.filter { $0.key != label }.max { ($0.value, $1.key) < ($1.value, $0.key) }
            return OfClass(
                label: label, pictures: guesses.values.reduce(0, +), correct: guesses[label] ?? 0,
                mistake: wrong.map { Mistake(label: $0.key, pictures: $0.value) })
        }
    }
}

extension [Bool] {
    /// The share of those that are true; 0 where there are none.
    var share: Double { isEmpty ? 0 : Double(lazy.filter { $0 }.count) / Double(count) }
}
