import Torch

/// Looks for samples that repeat a picture which their model may have learned by heart.
public struct CopySearch {
    /// Neighbours of each example.
    private static let shown = 3

    public let real: FeatureSet
    /// What reports call the real pictures.
    private let title: String
    private let features: Tensor  // (N, D), on the network's device
    /// From each real picture to the nearest other one.
    private let usual: [Double]

    /// Prepares the real pictures.
    ///
    /// - Throws: `TorchError` for fewer than two pictures.
    public init(_ real: FeatureSet, title: String, device: Device) throws(TorchError) {
        (self.real, self.title) = (real, title)
        features = try real.all.features.to(device)
        usual = try nearestNeighbours(of: features, in: features, count: 1, excludingSelf: true).distances.doubles()
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
