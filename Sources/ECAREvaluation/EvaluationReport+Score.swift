import Foundation

extension EvaluationReport {
    /// A number that a set of samples earned.
    public struct Score: Codable, Sendable, Equatable {
        public let metric: Metric
        public let value: Double
        /// The standard error, where known.
        public let error: Double?
        /// How it was measured, in few words: "10 splits", "bootstrap, 200 rounds".
        public let method: String?
        /// For those who read the file without this program.
        public let isHigherBetter: Bool

        public init(_ metric: Metric, _ value: Double, error: Double? = nil, method: String? = nil) {
            (self.metric, self.value, self.error, self.method) = (metric, value, error, method)
            isHigherBetter = metric.isHigherBetter
        }
    }
}

// MARK: - Words

extension Metric {
    /// What the score is called, so that nobody takes a classifier's for one of Inception's.
    func name(_ network: EvaluationReport.Network.Kind) -> String {
        [title, place(network)].compactMap { $0 }.joined(separator: " ")
    }

    var title: String {
        switch self {
        case .fid: "FID"
        case .sfid: "sFID"
        case .inceptionScore: "Inception Score"
        case .kid: "KID"
        case .accuracy: "Accuracy"
        case .top5Accuracy: "Top-5 accuracy"
        case .frechet: "Fréchet distance"
        case .kernel: "Kernel distance"
        case .precision: "Precision"
        case .recall: "Recall"
        }
    }

    /// Where it is measured, where that is not where the papers do.
    func place(_ network: EvaluationReport.Network.Kind) -> String? {
        switch self {
        case .frechet, .kernel: "in classifier features"
        case .precision, .recall: network == .classifier ? "in classifier features" : nil
        case .fid, .sfid, .inceptionScore, .kid, .accuracy, .top5Accuracy: nil
        }
    }

    /// At the head of a column.
    var shortName: String {
        switch self {
        case .fid: "FID"
        case .sfid: "sFID"
        case .inceptionScore: "IS"
        case .kid: "KID"
        case .accuracy: "accuracy, %"
        case .top5Accuracy: "top-5, %"
        case .frechet: "Fréchet (classifier)"
        case .kernel: "kernel (classifier)"
        case .precision: "precision"
        case .recall: "recall"
        }
    }

    /// For those who do not know it.
    var meaning: String {
        switch self {
        case .fid: "How far the two sets of features lie apart, in mean and spread; 0 where they agree."
        case .sfid: "The same, in features that keep their places in the picture: sees wrong layouts too."
        case .inceptionScore: "How surely each sample shows one thing, times how many different things they show."
        case .kid: "Distance of the two sets by a polynomial kernel; unlike FID, fair to small sets."
        case .accuracy: "Samples that the classifier takes for the class they were made for."
        case .top5Accuracy: "Samples whose class is among the classifier's first five guesses."
        case .frechet: "How far the two sets lie apart in this classifier's features. Not an FID."
        case .kernel: "Distance by a polynomial kernel in this classifier's features. Not a KID."
        case .precision: "Share of samples that lie among the reference pictures: how faithful they are."
        case .recall: "Share of reference pictures that lie among the samples: how varied those are."
        }
    }

    var direction: (arrow: String, text: String) {
        isHigherBetter ? ("↑", "higher is better") : ("↓", "lower is better")
    }

    /// Whether it is shown in percent.
    var isPercentage: Bool { self == .accuracy || self == .top5Accuracy }
}

// MARK: - Numbers

/// How the values of a score, one or a column of them, are written: all with as many decimals.
struct ScoreFormat {
    private static let mostDecimals = 6
    /// Larger numbers are written with an exponent.
    private static let largest = 1e7

    let metric: Metric
    private let decimals: Int

    init(_ metric: Metric, _ scores: [EvaluationReport.Score]) {
        self.metric = metric
        let scale = metric.isPercentage ? 100.0 : 1
        decimals = scores.map { Self.decimals(metric, $0.value * scale, error: $0.error.map { $0 * scale }) }.max() ?? 2
    }

    /// What is usual, or more where the error would seem to be 0.
    private static func decimals(_ metric: Metric, _ value: Double, error: Double?) -> Int {
        func digits(_ number: Double, significant: Int) -> Int {
            guard number.isFinite, number != 0 else { return 0 }
            let magnitude = Int(log10(abs(number)).rounded(.down))
            return min(max(significant - 1 - magnitude, 0), mostDecimals)
        }
        let usual =
            switch metric {
            case .accuracy, .top5Accuracy: 1
            case .precision, .recall: 3
            case .fid, .sfid, .inceptionScore, .frechet: 2
            case .kid, .kernel: digits(value, significant: 3)
            }
        return max(usual, digits(error ?? 0, significant: 1))
    }

    func text(_ value: Double) -> String {
        let value = metric.isPercentage ? value * 100 : value
        guard value.isFinite else { return "–" }
        let text = abs(value) < Self.largest ? String(format: "%.\(decimals)f", value) : String(format: "%.3g", value)
        return text.replacing("-", with: "−")
    }

    /// "93.4 ± 0.3", without a unit.
    func full(_ score: EvaluationReport.Score) -> String {
        text(score.value) + (score.error.map { " ± " + text($0) } ?? "")
    }

    var unit: String? { metric.isPercentage ? "%" : nil }
}
