import ECARImages
import Foundation
import Torch

/// Measures sets of pictures, all against one reference, in the features of one network.
public struct Evaluation {
    public typealias Score = EvaluationReport.Score

    public let metrics: [Metric]
    public let reference: Reference?
    /// Where the reference's pictures lie, for precision and recall.
    private let manifold: FeatureManifold?
    /// What the measures' own random numbers derive from.
    private let seed: UInt64

    private static let bootstrapRounds = 100
    /// Features beyond which a bootstrap of the Fréchet distance takes too long.
    private static let mostBootstrapFeatures = 256
    /// Of the Inception Score.
    private static let splits = 10

    /// Prepares all that does not depend on the sets.
    ///
    /// - Parameter reference: What the metrics that need one compare with.
    /// - Throws: `TorchError` where the reference has too few pictures for precision and recall.
    public init(_ metrics: [Metric], reference: Reference?, seed: UInt64 = 0) throws(TorchError) {
        (self.metrics, self.reference, self.seed) = (metrics, reference, seed)
        let isCompared = metrics.contains(.precision) || metrics.contains(.recall)
        manifold = isCompared ? try reference?.manifold() : nil
    }

    /// The scores of a set, in the order of the metrics.
    ///
    /// - Parameter willMeasure: Called before each metric; may throw to end the work.
    /// - Throws: `TorchError` naming a metric that cannot be measured of such a set, and why.
    public func scores(_ samples: FeatureSet, willMeasure: (Metric) throws -> Void = { _ in }) throws -> [Score] {
        guard samples.count >= 2 else { throw TorchError("at least 2 pictures are needed, not \(samples.count)") }
        // Each gives two scores, and is worked out for the first of them.
        var (compared, guessed): ((found: PrecisionRecall, method: String)?, ConditionalAccuracy?)
        func manifolds() throws -> (found: PrecisionRecall, method: String) {
            let known = try compared ?? precisionRecall(samples)
            compared = known
            return known
        }
        func guesses() throws -> ConditionalAccuracy {
            let known = try guessed ?? accuracy(samples)
            guessed = known
            return known
        }
        let pictures = "\(samples.count) pictures"
        return try metrics.map { metric in
            try willMeasure(metric)
            return switch metric {
            case .fid, .frechet: try frechet(metric, samples)
            case .sfid: try spatial(samples)
            case .inceptionScore: try inceptionScore(samples)
            case .kid, .kernel: try kernel(metric, samples)
            case .accuracy: flags(metric, try guesses().isTop1, pictures)
            case .top5Accuracy: flags(metric, try guesses().isTop5, pictures)
            case .precision: flags(metric, try manifolds().found.precise, try manifolds().method)
            case .recall: flags(metric, try manifolds().found.recalled, try manifolds().method)
            }
        }
    }

    /// The share of pictures of which something is true.
    private func flags(_ metric: Metric, _ flags: [Bool], _ method: String) -> Score {
        Score(metric, flags.share, error: standardError(ofMean: flags), method: method)
    }

    // MARK: Distances between distributions

    private func frechet(_ metric: Metric, _ samples: FeatureSet) throws(TorchError) -> Score {
        guard let reference else { throw missing(metric) }
        let features = samples.all.features
        let distance = try frechetDistance(GaussianStatistics(features), reference.frechet)
        let width = "\(features.shape[1]) features"
        guard features.shape[1] <= Self.mostBootstrapFeatures else { return Score(metric, distance, method: width) }
        let rounds = Self.bootstrapRounds
        let error = try frechetError(of: features, to: reference.frechet, rounds: rounds, seed: seed)
        return Score(metric, distance, error: error, method: "\(width), bootstrap of \(rounds) rounds")
    }

    private func spatial(_ samples: FeatureSet) throws(TorchError) -> Score {
        guard let reference else { throw missing(.sfid) }
        guard let spatial = reference.spatial else {
            throw TorchError("sfid: the reference has no statistics of spatial features (mu_s and sigma_s)")
        }
        let features = samples.all.spatial
        let distance = try frechetDistance(GaussianStatistics(features), spatial)
        return Score(.sfid, distance, method: "\(features.shape[1]) features")
    }

    private func kernel(_ metric: Metric, _ samples: FeatureSet) throws(TorchError) -> Score {
        guard let set = reference?.set else { throw missing(metric) }
        let subsets = 100
        let distance = try KernelDistance(samples.all.features, set.all.features, subsets: subsets, seed: seed)
        return Score(
            metric, distance.mean, error: distance.standardError,
            method: "\(subsets) subsets of \(distance.subsetSize)")
    }

    private func precisionRecall(_ samples: FeatureSet) throws(TorchError) -> (found: PrecisionRecall, method: String) {
        guard let manifold else { throw missing(.precision) }
        guard samples.count > manifold.neighbours else {
            throw TorchError(
                "precision and recall need more than \(manifold.neighbours) pictures, not \(samples.count)")
        }
        let features = try samples.all.features.to(reference?.device ?? .cpu)
        let found = try PrecisionRecall(generated: features, reference: manifold)
        return (found, "k = \(manifold.neighbours), \(samples.count) × \(manifold.count) pictures")
    }

    private func missing(_ metric: Metric) -> TorchError {
        let what = metric.need == .pictures ? "real pictures, not their statistics alone," : "a reference"
        return TorchError("\(metric.rawValue) needs \(what) to compare with")
    }

    // MARK: Classes

    private func inceptionScore(_ samples: FeatureSet) throws(TorchError) -> Score {
        let splits = min(Self.splits, samples.count)
        // In random order: made class by class, consecutive splits would not hold all classes.
        let found = try InceptionScore(samples.all.probabilities, splits: .count(splits), shuffle: seed)
        return Score(
            .inceptionScore, found.mean,
            error: splits > 1 ? found.standardDeviation / Double(splits - 1).squareRoot() : nil,
            method: "\(splits) random splits")
    }

    private func accuracy(_ samples: FeatureSet) throws(TorchError) -> ConditionalAccuracy {
        guard let labels = samples.labels else { throw TorchError("accuracy needs pictures whose classes are known") }
        return try ConditionalAccuracy(probabilities: samples.all.probabilities, labels: labels)
    }

    /// How often a classifier finds every class; nothing where the classes are not known.
    public static func classes(
        _ samples: FeatureSet, of classifier: ClassifierConfiguration
    ) throws(TorchError) -> [EvaluationReport.ClassResult] {
        guard let labels = samples.labels else { return [] }
        let names = classifier.classNames
        return try ConditionalAccuracy(probabilities: samples.all.probabilities, labels: labels).classes.map { found in
            let count = Double(found.pictures)
            return EvaluationReport.ClassResult(
                name: names[found.label], count: found.pictures, accuracy: Double(found.correct) / count,
                realAccuracy: classifier.accuracy?.perClass[found.label] ?? nil,
                mistake: found.mistake.map { .init(name: names[$0.label], share: Double($0.pictures) / count) })
        }
    }
}
