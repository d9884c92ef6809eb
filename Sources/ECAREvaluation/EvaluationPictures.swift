import ECARImages
import ECARReports

/// A run's pictures for its report, small enough to be embedded in it.
public struct EvaluationPictures: Sendable {
    struct Class {
        let name: String?
        let samples: [EmbeddedPicture]
    }

    struct Neighbourhood {
        let sample: EmbeddedPicture
        let nearest: [EmbeddedPicture]
    }

    static let mostClasses = 24
    static let mostOfClass = 8
    static let mostWithoutClass = 48
    static let mostNeighbourhoods = 24
    private static let mostNeighbours = 3
    private static let bounds = EmbeddedPicture.Bounds(side: 128, bytes: 12 << 10, quality: 84)

    let classes: [Class]
    let neighbourhoods: [Neighbourhood]

    /// What is too much for a page is left out.
    ///
    /// - Parameters:
    ///   - classes: Samples of each class; where classes are not known, one entry without a name. In a sweep, the same
    ///     seeds in every run show best what is swept.
    ///   - neighbours: In the order of the run's ``EvaluationReport/Neighbours/samples``, nearest neighbours first.
    public init(
        classes: [(name: String?, samples: [Image])] = [], neighbours: [(sample: Image, nearest: [Image])] = []
    ) {
        self.classes = classes.prefix(Self.mostClasses).map { name, samples in
            let most = classes.count == 1 ? Self.mostWithoutClass : Self.mostOfClass
            return Class(name: name, samples: samples.prefix(most).compactMap(Self.embedded))
        }
        neighbourhoods = neighbours.prefix(Self.mostNeighbourhoods).compactMap { sample, nearest in
            Self.embedded(sample).map {
                Neighbourhood(sample: $0, nearest: nearest.prefix(Self.mostNeighbours).compactMap(Self.embedded))
            }
        }
    }

    private static func embedded(_ image: Image) -> EmbeddedPicture? { EmbeddedPicture(small: image, within: bounds) }
}
