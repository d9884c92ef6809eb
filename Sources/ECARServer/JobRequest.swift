import ECAR
import ECARPictures
import TorchNN

/// What a client wants made, and how.
package struct JobRequest: Sendable {
    package enum Work: Sendable {
        /// Whole images, 1 … ``Limits/images``.
        case images([ImageRequest])
        /// Their first stage alone, whose state is kept for ``finish(draft:picks:)``.
        case drafts([ImageRequest])
        /// The other stages of images of a draft.
        case finish(draft: JobID, picks: [Pick])
    }

    /// An image of a draft to be finished.
    package struct Pick: Sendable, Hashable {
        /// Its place in the draft's job, from 0.
        package var index: Int
        /// Which noise the later stages take; 0 is the seed's own, every other number gives other details.
        package var variation: UInt64

        package init(index: Int, variation: UInt64 = 0) {
            (self.index, self.variation) = (index, variation)
        }
    }

    package var work: Work
    /// How to sample. A finish takes what concerns the first stage from its draft, so that its pictures can be made again
    /// without one; solver, time shift, parallel guidance and precision must be the draft's, which ``JobStatus`` tells.
    package var settings: SamplingSettings
    package var precision: Precision
    /// Whether the pictures of the stages before the last are wanted too.
    package var showsStages: Bool
    /// Between whom the machine is shared fairly: the name of an API key, or a peer's address.
    package var client: String
    /// The job ends this long after its submission, finished or not.
    package var timeLimit: Duration

    package init(
        work: Work, settings: SamplingSettings, precision: Precision = .f32, showsStages: Bool = false, client: String,
        timeLimit: Duration
    ) {
        (self.work, self.settings, self.precision) = (work, settings, precision)
        (self.showsStages, self.client, self.timeLimit) = (showsStages, client, timeLimit)
    }
}
