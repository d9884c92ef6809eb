import ECAR
import ECARPictures
import TorchNN

/// A job as it stands.
package struct JobStatus: Sendable {
    package enum State: String, Sendable, Encodable {
        /// None of its images has begun.
        case waiting
        case running, done, failed, cancelled

        /// Whether the job still waits or runs.
        package var isUnfinished: Bool { self == .waiting || self == .running }
    }

    package let id: JobID
    package let state: State
    package let isDraft: Bool
    /// What its images are made from; those of a finish have their variation.
    package let images: [ImageRequest]
    /// The stages of which an image has pictures, from 1, for every image.
    package let pictures: [[Int]]
    /// The stages that the job goes through, from 1.
    package let stages: ClosedRange<Int>
    /// As they are used: those of a finish are joined with its draft's.
    package let settings: SamplingSettings
    package let precision: Precision
    package let showsStages: Bool
    /// The images that come before its first one, while it waits.
    package let place: Int?
    /// Steps taken and steps to take, of all its images together.
    package let done: Int
    package let total: Int
    /// An estimate, while it is unfinished.
    package let secondsLeft: Double?
    /// From the submission to the end, or until now.
    package let seconds: Double
    /// Why it failed or was cancelled.
    package let message: String?
}
