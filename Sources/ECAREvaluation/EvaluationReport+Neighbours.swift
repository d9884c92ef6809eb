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

            /// Whether a sample at a distance from a picture is a near-copy of it, where these are the distances of the
            /// pictures to one another: it is nearer than 99 % of them, or at no distance at all, which duplicates among
            /// them do not excuse.
            func isNearCopy(_ distance: Double) -> Bool { distance == 0 || distance < p1 }
        }

        /// What the set in which neighbours were looked for is called.
        public let set: String
        /// Some of the samples.
        public let samples: [Sample]
        /// From each sample to the picture nearest to it.
        public let toReal: Distances
        /// From each picture of the set to the other one nearest to it.
        public let amongReal: Distances
        /// The median of the former over that of the latter: far below 1, the samples repeat the set. nil where there is no
        /// such number, as where most pictures of the set are there twice.
        public let medianRatio: Double?
        /// The share of samples that are near-copies of a picture, 0 … 1.
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
            let (toReal, amongReal) = (Distances(near), Distances(usual))
            (self.toReal, self.amongReal) = (toReal, amongReal)
            let ratio = toReal.median / amongReal.median
            medianRatio = ratio.isFinite ? ratio : nil
            nearCopies = Double(near.count(where: amongReal.isNearCopy)) / Double(near.count)
        }
    }
}
