/// Which of its stages' pictures are wanted of an image.
public enum StageChoice: Equatable, Sendable {
    /// The finished picture.
    case finished
    /// Every stage's.
    case every
    /// One stage's, from 0; no later stage is made. Drafts are the first one's.
    case only(Int)

    public static let drafts = StageChoice.only(0)

    /// The stages, ascending from 0, of a model that has so many.
    public func stages(of count: Int) -> Range<Int> {
        switch self {
        case .finished: count - 1..<count
        case .every: 0..<count
        case .only(let stage): stage..<stage + 1
        }
    }
}
