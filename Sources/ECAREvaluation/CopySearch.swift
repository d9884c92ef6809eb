import ECARImages
import Torch

/// Looks for samples that repeat a picture which their model may have learned by heart.
public struct CopySearch {
    /// Neighbours of each example.
    private static let shown = 3
    /// Real pictures that are compared with all others: enough for the percentiles that are shown, and no work that grows with
    /// the square of the set.
    private static let mostUsual = 10_000

    public let real: FeatureSet
    /// What reports call the real pictures.
    private let title: String
    private let features: Tensor  // (N, D), on the network's device
    /// From each real picture, or some of them, to the nearest other one.
    private let usual: [Double]

    /// Prepares the real pictures.
    ///
    /// - Throws: `TorchError` for fewer than two pictures.
    public init(_ real: FeatureSet, title: String, device: Device) throws(TorchError) {
        (self.real, self.title) = (real, title)
        features = try real.all.features.to(device)
        var some = features
        if real.count > Self.mostUsual {
            var generator = SplitMix64(seed: 0)
            let chosen = Array(generator.permutation(real.count).prefix(Self.mostUsual))
            some = try features.gather(0, Tensor(chosen, device: device))
        }
        // The nearest of all is the picture itself.
        let distances = try nearestNeighbours(of: some, in: features, count: 2).distances.doubles()
        usual = stride(from: 1, to: distances.count, by: 2).map { distances[$0] }
    }

    /// The nearest real pictures of the samples.
    ///
    /// - Parameter examples: The samples that are looked at one by one.
    public func neighbours(of samples: FeatureSet, examples: [Int]) throws(TorchError) -> EvaluationReport.Neighbours? {
        let count = min(Self.shown, real.count)
        let found = try nearestNeighbours(of: samples.all.features.to(features.device), in: features, count: count)
        let (distances, places) = (try found.distances.doubles(), try found.indices.integers())
        let looked = examples.map { index in
            EvaluationReport.Neighbours.Sample(
                index: index, label: samples.className(index),
                nearest: (index * count..<(index + 1) * count).map { place in
                    .init(index: places[place], label: real.className(places[place]), distance: distances[place])
                })
        }
        return EvaluationReport.Neighbours(
            in: title, samples: looked,
            toReal: stride(from: 0, to: distances.count, by: count).map { distances[$0] },
            amongReal: usual)
    }
}
