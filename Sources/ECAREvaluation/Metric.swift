/// What can be measured of pictures.
public enum Metric: String, Codable, Sendable, CaseIterable {
    /// Fréchet distance in Inception's features (arXiv 1706.08500).
    case fid
    /// The same in Inception's spatial features (arXiv 2103.03841).
    case sfid
    /// Inception Score (arXiv 1606.03498).
    case inceptionScore = "is"
    /// Kernel distance in Inception's features (arXiv 1801.01401).
    case kid
    /// How often a classifier finds the class that was asked for.
    case accuracy
    /// How often that class is among its five likeliest.
    case top5Accuracy = "accuracy-top5"
    /// Fréchet distance in a classifier's features: comparable with the same classifier's alone, and no FID.
    case frechet
    /// Kernel distance in a classifier's features: no KID.
    case kernel
    /// Improved precision and recall (arXiv 1904.06991), in the features of either network.
    case precision, recall

    public var isHigherBetter: Bool {
        switch self {
        case .fid, .sfid, .kid, .frechet, .kernel: false
        case .inceptionScore, .accuracy, .top5Accuracy, .precision, .recall: true
        }
    }

    /// What it needs besides the features of the pictures.
    public enum Need: Sendable {
        case nothing
        /// Their classes.
        case labels
        /// The features' statistics of real pictures.
        case statistics
        /// Those of the spatial features.
        case spatialStatistics
        /// Real pictures themselves.
        case pictures
    }

    public var need: Need {
        switch self {
        case .inceptionScore: .nothing
        case .accuracy, .top5Accuracy: .labels
        case .fid, .frechet: .statistics
        case .sfid: .spatialStatistics
        case .kid, .kernel, .precision, .recall: .pictures
        }
    }
}
