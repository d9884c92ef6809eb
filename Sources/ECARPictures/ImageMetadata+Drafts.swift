import ECAR
import TorchNN

/// Images that go on from a draft: their first stage is the draft's, however the later ones were made.
extension ImageMetadata {
    /// The same of images that go on from a draft.
    ///
    /// - Parameter draft: The draft's metadata.
    public func continuing(_ draft: ImageMetadata) -> ImageMetadata {
        var copy = self
        copy.steps = Array(draft.steps.prefix(1) + steps.dropFirst())
        copy.guidance = Array(draft.guidance.prefix(1) + guidance.dropFirst())
        copy.firstStage = draft.ownFirstStage == ownFirstStage ? nil : draft.ownFirstStage
        return copy
    }

    /// How the first stage is made where nothing else is said.
    private var ownFirstStage: FirstStage {
        FirstStage(solver: solver, timeShift: timeShift, parallelGuidance: parallelGuidance, precision: precision)
    }

    /// The settings of the first stage, those of later stages being of no meaning.
    public var firstStageSettings: SamplingSettings {
        let first = firstStage ?? ownFirstStage
        return SamplingSettings(
            steps: steps, guidance: guidance, solver: first.solver, timeShift: first.timeShift ?? 1,
            parallelGuidance: first.parallelGuidance ?? 1)
    }

    /// Whether they are of a contact sheet of drafts, numbered from 1.
    var isOfDrafts: Bool {
        guard let images, stage == 1, stages != true, firstStage == nil else { return false }
        return zip(images, 1...).allSatisfy { $0.draft == $1 && $0.variation == nil }
    }
}
