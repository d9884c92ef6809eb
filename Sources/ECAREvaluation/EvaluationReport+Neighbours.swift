extension EvaluationReport {
    /// How near the samples are to the pictures that they might have been learnt from.
    public struct Neighbours: Codable, Sendable, Equatable {
        public struct Neighbour: Codable, Sendable, Equatable {
            /// The picture's place in its set.
            public var index: Int
            /// The name of its class, where known.
            public var label: String?
            public var distance: Double

            public init(index: Int, label: String? = nil, distance: Double) {
                (self.index, self.label, self.distance) = (index, label, distance)
            }
        }

        public struct Sample: Codable, Sendable, Equatable {
            /// The sample's place among the samples.
            public var index: Int
            public var label: String?
            /// Nearest first.
            public var nearest: [Neighbour]

            public init(index: Int, label: String? = nil, nearest: [Neighbour]) {
                (self.index, self.label, self.nearest) = (index, label, nearest)
            }
        }

        /// Percentiles of distances, interpolated linearly.
        public struct Distances: Codable, Sendable, Equatable {
            public let count: Int
            public let p1: Double
            public let p25: Double
            public let median: Double
            public let p75: Double
            public let p99: Double

            fileprivate init(_ ascending: [Double]) {
                func percentile(_ fraction: Double) -> Double {
                    let place = fraction * Double(ascending.count - 1)
                    let low = Int(place)
                    let high = min(low + 1, ascending.count - 1)
                    return ascending[low] + (ascending[high] - ascending[low]) * (place - Double(low))
                }
                count = ascending.count
                (p1, p25, median) = (percentile(0.01), percentile(0.25), percentile(0.5))
                (p75, p99) = (percentile(0.75), percentile(0.99))
            }
        }

        /// What the set in which neighbours were looked for is called.
        public let set: String
        /// Some of the samples.
        public let samples: [Sample]
        /// From each sample to the picture nearest to it.
        public let toReal: Distances
        /// From each picture of the set to the other one nearest to it.
        public let amongReal: Distances
        /// The median of the former over that of the latter: far below 1, the samples repeat the set.
        public let medianRatio: Double
        /// The share of samples that are nearer to a picture than 99 % of the pictures are to one another, 0 … 1.
        public let nearCopies: Double

        /// - Parameters:
        ///   - toReal: For each sample, not only those shown, the distance to the picture nearest to it.
        ///   - amongReal: For each picture, or some of them, the distance to the other one nearest to it.
        /// - Returns: nil where either has no finite distance.
        public init?(in set: String, samples: [Sample], toReal: [Double], amongReal: [Double]) {
            let near = toReal.filter(\.isFinite).sorted()
            let usual = amongReal.filter(\.isFinite).sorted()
            guard !near.isEmpty, !usual.isEmpty else { return nil }
            (self.set, self.samples) = (set, samples)
            (self.toReal, self.amongReal) = (Distances(near), Distances(usual))
            let limit = self.amongReal.p1
            medianRatio = self.toReal.median / self.amongReal.median
            nearCopies = Double(near.count { $0 < limit }) / Double(near.count)
        }
    }
}
