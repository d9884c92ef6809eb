import ECAR
import Foundation
import Logging

/// Takes jobs on, lets them wait their turn, has them made batch by batch, and tells whoever listens what becomes of them.
///
/// Nothing here computes: what does is a ``PictureMaker``, one step at a time. Between two steps the studio looks at what has
/// changed, so that a job that is cancelled, or has taken too long, costs one step more at most.
package actor Studio {
    package nonisolated let maker: any PictureMaker
    package nonisolated let limits: Limits
    let logger: Logger
    let now: @Sendable () -> Duration

    /// The jobs that wait or run.
    var jobs: [JobID: Job] = [:]
    var kept: KeptJobs
    var queue = JobQueue()
    var pace: Pace
    /// What is being made.
    var running: RunningBatch?
    /// Of jobs with images that wait: the seconds from the end of the running batch until the last of these is made.
    var secondsBehind: [JobID: Double] = [:]
    /// What was done so far; ``counts()`` adds what is.
    var tally = Counts()
    /// Makes batches as long as there are images waiting.
    private var worker: Task<Void, Never>?
    /// When what is left is ended, once the studio is shutting down.
    var closing: Duration?
    /// How many jobs were ended for that.
    var abandoned = 0

    /// - Parameter now: The time that has passed since some moment; tests have a clock of their own.
    package init(
        maker: any PictureMaker, limits: Limits = Limits(), logger: Logger,
        now: @escaping @Sendable () -> Duration = Studio.clock()
    ) {
        (self.maker, self.limits, self.logger, self.now) = (maker, limits, logger, now)
        kept = KeptJobs(limits)
        pace = Pace(maker.model.architecture)
    }

    /// A clock that starts now, and does not heed when the machine's date is set.
    package static func clock() -> @Sendable () -> Duration {
        let start = ContinuousClock.now
        return { ContinuousClock.now - start }
    }

    // MARK: Jobs

    /// Takes a job on.
    ///
    /// - Throws: ``StudioError`` where it cannot be made, or there is no room for it now.
    package func submit(_ request: JobRequest) throws(StudioError) -> JobID {
        guard closing == nil else { throw .unavailable }
        let time = now()
        kept.expire(at: time)
        let job = try job(request, at: time)
        do {
            try checkRoom(for: job)
        } catch {
            tally.jobsRejected += 1
            throw error
        }
        jobs[job.id] = job
        queue.add(job.id, client: job.client, key: job.key, images: job.images.count)
        lookAhead()
        if worker == nil { worker = Task { await work() } }
        return job.id
    }

    /// All that happens to a job: first what has happened already, of places and steps the last alone. The stream ends with
    /// the job.
    ///
    /// - Parameter number: Only later updates are wanted.
    package func events(_ id: JobID, after number: Int = 0) throws(StudioError) -> AsyncStream<JobUpdate> {
        // Without a bound, because no picture may be lost: a job has not many more events than images, and shares their bytes.
        let (stream, listener) = AsyncStream.makeStream(of: JobUpdate.self)
        guard jobs[id] != nil else {
            var job = try finished(id)
            _ = job.listen(listener, after: number)
            return stream
        }
        if let place = jobs[id]?.listen(listener, after: number) {
            listener.onTermination = { [weak self] _ in Task { await self?.forget(place, of: id) } }
        }
        return stream
    }

    private func forget(_ listener: Int, of id: JobID) { jobs[id]?.forget(listener: listener) }

    /// Ends a job now; the machine is free of it after the step that it is in. A job that has ended stays as it is.
    package func cancel(_ id: JobID, reason: String = "cancelled") throws(StudioError) {
        guard jobs[id] != nil else {
            _ = try finished(id)
            return
        }
        end(id, .cancelled(reason))
        lookAhead()
    }

    package func status(_ id: JobID) throws(StudioError) -> JobStatus {
        if let job = jobs[id] { return job.status(at: now(), secondsLeft: secondsLeft(of: id)) }
        return try finished(id).status(at: now(), secondsLeft: nil)
    }

    /// A PNG.
    ///
    /// - Parameters:
    ///   - index: The image, from 0.
    ///   - stage: From 1; nil: the job's last.
    package func picture(_ id: JobID, index: Int, stage: Int? = nil) throws(StudioError) -> Data {
        let job = if let job = jobs[id] { job } else { try finished(id) }
        guard let png = job.picture(index, stage: stage ?? job.key.stages.upperBound) else { throw .unknownPicture }
        return png
    }

    func finished(_ id: JobID) throws(StudioError) -> Job {
        kept.expire(at: now())
        return try kept.job(id)
    }

    // MARK: Itself

    package func counts() -> Counts {
        kept.expire(at: now())
        var counts = tally
        counts.isShuttingDown = closing != nil
        counts.jobsWaiting = jobs.values.count { $0.state == .waiting }
        counts.jobsRunning = jobs.count - counts.jobsWaiting
        (counts.imagesWaiting, counts.imagesRunning) = (queue.count, running?.rows.count ?? 0)
        (counts.jobsKept, counts.bytesKept) = (kept.count, kept.bytes)
        return counts
    }

    /// Takes no more jobs on, and waits for those that there are; ends what is left of them when the grace is over, within one
    /// step.
    ///
    /// - Returns: How many jobs it had to end unfinished.
    @discardableResult
    package func shutDown(grace: Duration) async -> Int {
        let end = now() + grace
        closing = closing.map { min($0, end) } ?? end
        await worker?.value
        return abandoned
    }

    private func work() async {
        endOverdue()
        while let batch = queue.take(limits.batch) {
            await make(batch)
            endOverdue()
        }
        worker = nil
    }
}
