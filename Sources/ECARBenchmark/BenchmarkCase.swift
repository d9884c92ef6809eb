import TorchNN

/// One thing to measure: a model in a precision, with a batch.
public struct BenchmarkCase: Codable, Sendable, Equatable {
    /// The name of the catalogue, or a model's name or folder.
    public var model: String
    public var precision: Precision
    /// Images at a time.
    public var batch: Int
    /// Steps of the flow or the diffusion; nil: as many as is usual for the model.
    public var steps: Int?
    public var isGuided: Bool
    /// Of weights and noise.
    public var seed: UInt64

    public init(
        model: String, precision: Precision = .f32, batch: Int = 1, steps: Int? = nil, isGuided: Bool = false,
        seed: UInt64 = 0
    ) {
        (self.model, self.precision, self.batch) = (model, precision, batch)
        (self.steps, self.isGuided, self.seed) = (steps, isGuided, seed)
    }

    /// "E-CAR-L bf16", and the batch where it is not 1.
    public var name: String { "\(model) \(precision.rawValue)" + (batch > 1 ? " ×\(batch)" : "") }

    /// The classes of the batch: some of so many.
    func labels(of classes: Int) -> [Int] { (0..<batch).map { $0 * 37 % max(1, classes) } }
}

/// What one image costs, in multiply–accumulates of matrix products.
public struct BenchmarkCost: Sendable, Equatable {
    public struct Stage: Codable, Sendable, Equatable {
        /// Of the latents.
        public let side: Int
        public let tokens: Int
        public let macs: Double

        public init(side: Int, tokens: Int, macs: Double) {
            (self.side, self.tokens, self.macs) = (side, tokens, macs)
        }
    }

    public let parameters: Int
    /// The steps that are taken: of all stages together, or of each token.
    public let steps: Int
    public let stages: [Stage]
    /// Of memory beside the weights, about, for every image that is being made.
    public let workingBytes: Double

    public init(parameters: Int, steps: Int, stages: [Stage], workingBytes: Double = 0) {
        (self.parameters, self.steps, self.stages) = (parameters, steps, stages)
        self.workingBytes = workingBytes
    }

    public var macs: Double { stages.reduce(0) { $0 + $1.macs } }
}

// MARK: - Memory

extension BenchmarkCase {
    /// Rows of an image: with guidance, one with the class and one without.
    var rows: Double { isGuided ? 2 : 1 }
    /// Of a number in the type of matrix products.
    var matrixBytes: Double { Double(precision.matrixType.byteCount) }

    /// What a transformer block has in memory of one row: the residual stream, the widest layer, and the scores of attention.
    func blockBytes(tokens: Int, width: Int, heads: Int) -> Double {
        let (n, d) = (Double(tokens), Double(width))
        return n * d * (4 + 8 * matrixBytes) + Double(heads) * n * n * 4
    }

    /// What the weights of a model take: packed, and while it is loaded plain beside that.
    public func weightBytes(_ parameters: Int) -> Double {
        let bytes: Double =
            switch precision {
            case .f32: 4 + 4
            case .bf16: 2 + 2
            case .int8: 1 + 4
            }
        return Double(parameters) * bytes
    }
}
