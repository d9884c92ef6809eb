extension EvaluationReport {
    /// One side of a comparison.
    public struct PictureSet: Codable, Sendable, Equatable {
        public enum Kind: String, Codable, Sendable {
            /// A folder, a data set or an `.npz` of pictures.
            case pictures
            /// A file of means and covariances; the pictures that these are of are not known.
            case statistics
            /// Drawn for this evaluation.
            case model
        }

        public var kind: Kind
        /// What reports call it.
        public var name: String
        public var path: String
        /// Of pictures, where known. Beside statistics it is of those that their file holds too; the statistics are of other
        /// pictures, usually more, whose number no file tells.
        public var count: Int?
        /// In pixels, where all pictures have the same size.
        public var width: Int?
        public var height: Int?
        /// SHA-256, in hexadecimal: of the SHA-256 of every picture in order, or of the file of statistics.
        public var digest: String
        /// Whether the pictures' classes are known.
        public var isLabelled: Bool

        public init(
            kind: Kind, name: String, path: String, count: Int? = nil, width: Int? = nil, height: Int? = nil,
            digest: String, isLabelled: Bool = false
        ) {
            (self.kind, self.name, self.path) = (kind, name, path)
            (self.count, self.width, self.height) = (count, width, height)
            (self.digest, self.isLabelled) = (digest, isLabelled)
        }
    }

    /// The model that drew the samples, and how.
    public struct Model: Codable, Sendable, Equatable {
        public enum ClassChoice: String, Codable, Sendable {
            /// Every class as often as any other.
            case balanced
            /// Each picture's class is drawn at random.
            case uniform
        }

        /// Of the model's files.
        public var digest: String
        /// By stage.
        public var steps: [Int]
        /// The guidance scale, by stage.
        public var guidance: [Double]
        public var solver: String
        /// How a stage's steps are spread over its time; nil: evenly.
        public var timeShift: Double?
        /// The weight of guidance's part along the predicted image; nil: 1.
        public var parallelGuidance: Double?
        public var precision: String
        /// Of the first picture; the others follow.
        public var seed: UInt64
        public var classes: ClassChoice
        public var secondsPerPicture: Double?

        public init(
            digest: String, steps: [Int], guidance: [Double], solver: String, timeShift: Double? = nil,
            parallelGuidance: Double? = nil, precision: String, seed: UInt64, classes: ClassChoice,
            secondsPerPicture: Double? = nil
        ) {
            (self.digest, self.steps, self.guidance) = (digest, steps, guidance)
            (self.solver, self.timeShift, self.parallelGuidance) = (solver, timeShift, parallelGuidance)
            (self.precision, self.seed) = (precision, seed)
            (self.classes, self.secondsPerPicture) = (classes, secondsPerPicture)
        }
    }

    /// Where in a sweep a run stands: the values of what is swept.
    public struct Point: Codable, Sendable, Equatable {
        public var steps: Int?
        public var guidance: Double?

        public init(steps: Int? = nil, guidance: Double? = nil) {
            (self.steps, self.guidance) = (steps, guidance)
        }
    }

    /// How a classifier takes the samples of a class.
    public struct ClassResult: Codable, Sendable, Equatable {
        /// The class that others are most often taken for.
        public struct Mistake: Codable, Sendable, Equatable {
            public var name: String
            /// Of the class's samples, 0 … 1.
            public var share: Double

            public init(name: String, share: Double) { (self.name, self.share) = (name, share) }
        }

        public var name: String
        /// Of samples.
        public var count: Int
        /// The share of samples that the classifier takes for this class, 0 … 1.
        public var accuracy: Double
        /// The same of the real pictures of this class, where known.
        public var realAccuracy: Double?
        /// What most of the other samples are taken for; nil where there are none.
        public var mistake: Mistake?

        public init(
            name: String, count: Int, accuracy: Double, realAccuracy: Double? = nil, mistake: Mistake? = nil
        ) {
            (self.name, self.count, self.accuracy) = (name, count, accuracy)
            (self.realAccuracy, self.mistake) = (realAccuracy, mistake)
        }
    }

    /// A set of samples, and its scores.
    public struct Run: Codable, Sendable, Equatable {
        public var samples: PictureSet
        /// Where a model drew them.
        public var model: Model?
        /// Where the run is part of a sweep.
        public var point: Point?
        public var scores: [Score]
        /// Empty where the labels, or a classifier, are missing.
        public var classes: [ClassResult]
        public var neighbours: Neighbours?

        public init(
            samples: PictureSet, model: Model? = nil, point: Point? = nil, scores: [Score],
            classes: [ClassResult] = [], neighbours: Neighbours? = nil
        ) {
            (self.samples, self.model, self.point) = (samples, model, point)
            (self.scores, self.classes, self.neighbours) = (scores, classes, neighbours)
        }
    }
}
