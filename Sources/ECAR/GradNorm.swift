import Foundation

/// GradNorm (arXiv 1711.02257): weights of the stages' losses, moved so that every stage pulls at the layer that all share
/// as hard as its pace of learning asks.
public struct GradNorm: Codable, Sendable, Equatable {
    public struct Settings: Codable, Sendable, Equatable {
        /// How strongly stages that learn slowly are favoured; 0 makes all pull equally.
        public var alpha: Double
        /// Adam's rate for the weights.
        public var learningRate: Double
        /// Decay of the running mean of the losses.
        public var smoothing: Double

        public init(alpha: Double = 1.5, learningRate: Double = 0.025, smoothing: Double = 0.99) {
            (self.alpha, self.learningRate, self.smoothing) = (alpha, learningRate, smoothing)
        }
    }

    static let smallestWeight = 1e-3

    public let settings: Settings
    /// w_s; they add up to S.
    public private(set) var weights: [Double]
    /// Running mean of the losses over `count` steps, before correction for its start at 0.
    private var average: [Double]
    private var count = 0
    /// The smoothed losses at the first move.
    private var initial: [Double]?
    /// Adam's moments over `updates` moves.
    private var means: [Double]
    private var squares: [Double]
    private var updates = 0

    public init(stages: Int, settings: Settings = Settings()) {
        self.settings = settings
        weights = Array(repeating: 1, count: stages)
        let zeros = Array(repeating: 0.0, count: stages)
        (average, means, squares) = (zeros, zeros, zeros)
    }

    /// Whether it is the state of so many stages: of one that was read from a file, nothing is certain.
    public func fits(stages: Int) -> Bool {
        [weights, average, means, squares, initial ?? weights].allSatisfy { $0.count == stages }
            && count >= 0 && updates >= 0 && weights.allSatisfy { $0 > 0 && $0.isFinite }
    }

    /// Takes one step's losses l_s and norms ‖∇_W l_s‖₂, both unweighted, and moves the weights.
    ///
    /// ∂/∂w_s |G_s − target| = sign(G_s − target)·‖∇_W l_s‖, with G_s = w_s·‖∇_W l_s‖ and the target held constant, so no
    /// second derivative is needed. While a norm is 0 (zero initialisation) nothing moves.
    public mutating func update(losses l: [Double], norms: [Double]) {
        count += 1
        average = zip(average, l).map { settings.smoothing * $0 + (1 - settings.smoothing) * $1 }
        let smoothed = average.map { $0 / (1 - pow(settings.smoothing, Double(count))) }
        let pulls = zip(weights, norms).map { $0 * $1 }  // G_s
        guard pulls.allSatisfy({ $0 > 0 && $0.isFinite }) else { return }

        let initial = self.initial ?? smoothed
        self.initial = initial
        let pace = zip(smoothed, initial).map { $0 / $1 }
        let meanPace = pace.reduce(0, +) / Double(pace.count)
        let meanPull = pulls.reduce(0, +) / Double(pulls.count)
        let slopes = pulls.indices.map { s in
            let target = meanPull * pow(pace[s] / meanPace, settings.alpha)
            return pulls[s] == target ? 0 : pulls[s] > target ? norms[s] : -norms[s]
        }
        descend(slopes)
    }

    /// One step of Adam (arXiv 1412.6980), then the weights are kept positive and their sum S.
    private mutating func descend(_ slopes: [Double]) {
        let (beta1, beta2, epsilon) = (0.9, 0.999, 1e-8)
        updates += 1
        for s in weights.indices {
            means[s] = beta1 * means[s] + (1 - beta1) * slopes[s]
            squares[s] = beta2 * squares[s] + (1 - beta2) * slopes[s] * slopes[s]
            let mean = means[s] / (1 - pow(beta1, Double(updates)))
            let deviation = (squares[s] / (1 - pow(beta2, Double(updates)))).squareRoot()
            weights[s] = max(Self.smallestWeight, weights[s] - settings.learningRate * mean / (deviation + epsilon))
        }
        let total = weights.reduce(0, +)
        weights = weights.map { $0 * Double(weights.count) / total }
    }
}
