import ECAR
import ECARPictures
import TorchNN

/// What images must have in common to be made in one batch.
package struct BatchKey: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case images, drafts
        /// From drafts of so many stages.
        case finishes(stagesKept: Int)
    }

    package var kind: Kind
    package var settings: SamplingSettings
    package var precision: Precision
    package var showsStages: Bool

    package init(kind: Kind, settings: SamplingSettings, precision: Precision, showsStages: Bool) {
        (self.kind, self.settings, self.precision, self.showsStages) = (kind, settings, precision, showsStages)
    }

    /// The stages that a batch goes through, from 0.
    package var stages: Range<Int> {
        switch kind {
        case .images: 0..<settings.steps.count
        case .drafts: 0..<1
        case .finishes(let stagesKept): stagesKept..<settings.steps.count
        }
    }

    /// Whether pictures are made at the end of a stage.
    package func hasPictures(_ stage: Int) -> Bool { showsStages || stage == stages.last }

    /// The steps of those stages.
    package var steps: Int { settings.steps[stages].reduce(0, +) }
}

/// A batch to be made.
package struct BatchOrder: Sendable {
    package let key: BatchKey
    package let images: [ImageRequest]
    /// What finishes go on from: one draft of a single image for every image; none otherwise.
    package let drafts: [Draft]

    package init(key: BatchKey, images: [ImageRequest], drafts: [Draft] = []) {
        (self.key, self.images, self.drafts) = (key, images, drafts)
    }
}
