import ECAR
import TorchNN

/// A job as the API shows it.
struct JobView: Encodable {
    struct Image: Encodable {
        let index: Int
        let `class`: Int
        let className: String
        let seed: UInt64
        let variation: NoiseSeed.Variation?
        /// The stages of which there is a picture, from 1.
        let stages: [Int]
    }
    struct Links: Encodable {
        let `self`: String
        let events: String
    }

    let id: String
    let state: JobStatus.State
    let draft: Bool
    let images: [Image]
    /// The stages of the model.
    let stages: Int
    let steps: [Int]
    let guidance: [Double]
    let solver: Solver
    let timeShift, parallelGuidance: Double
    let precision: Precision
    /// Images before it in the queue, while it waits.
    let place: Int?
    /// Steps taken and to take, of all images together.
    let stepsDone, totalSteps: Int
    let secondsLeft: Double?
    let seconds: Double
    /// Why it failed or was cancelled.
    let message: String?
    let links: Links

    init(_ status: JobStatus, of model: ServedModel) {
        id = status.id.description
        (state, draft) = (status.state, status.isDraft)
        images = zip(status.images, status.pictures).enumerated().map { index, pair in
            Image(
                index: index, class: pair.0.class, className: pair.0.className, seed: pair.0.seed,
                variation: pair.0.variation, stages: pair.1)
        }
        stages = model.description.architecture.stages
        let settings = status.settings
        (steps, guidance, solver) = (settings.steps, settings.guidance, settings.solver)
        (timeShift, parallelGuidance) = (settings.timeShift, settings.parallelGuidance)
        (precision, place, message) = (status.precision, status.place, status.message)
        (stepsDone, totalSteps) = (status.done, status.total)
        (secondsLeft, seconds) = (status.secondsLeft, status.seconds)
        links = Links(self: JobsAPI.path(status.id), events: JobsAPI.path(status.id) + "/events")
    }
}
