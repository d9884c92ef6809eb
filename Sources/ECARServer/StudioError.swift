/// Why the studio does not do what is asked.
package enum StudioError: Error, Sendable, Equatable {
    /// There is no job of that name, and none was seen lately.
    case unknownJob
    /// There was such a job, but its pictures are kept no longer.
    case expired
    /// The job has no such picture, or not yet.
    case unknownPicture
    /// The queue, or the client's share of it, has no room, or the job's time would be over before its turn came; after so many
    /// seconds, at least 1, that should have changed.
    case full(retryAfter: Int)
    /// Only the images of a draft can be finished, and only once they are drawn.
    case notADraft
    /// The request cannot be met as it is: a sentence for whoever sent it.
    case wrong(String)
    /// The studio is shutting down.
    case unavailable
}
