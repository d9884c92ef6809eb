import ECAR
import Foundation
import Logging

/// Making one batch after the other.
extension Studio {
    /// Makes a batch to its end, or as far as anybody still wants it.
    func make(_ batch: JobQueue.Batch) async {
        running = RunningBatch(batch)
        tally.batches += 1
        tally.batchedImages += batch.count
        for portion in batch.portions { jobs[portion.job]?.begin() }
        lookAhead()
        do {
            try await run(order(batch))
        } catch {
            logger.error("a batch failed", metadata: ["error": "\(error)", "images": "\(batch.count)"])
            for portion in batch.portions {
                end(portion.job, .failed("the pictures could not be made; the server's log says why"))
            }
        }
        running = nil
    }

    private func order(_ batch: JobQueue.Batch) -> BatchOrder {
        let parts = batch.portions.compactMap { portion in jobs[portion.job].map { ($0, portion.images) } }
        return BatchOrder(
            key: batch.key, images: parts.flatMap { job, images in job.images[images] },
            drafts: parts.flatMap { job, images in job.origins.isEmpty ? [] : job.origins[images] })
    }

    private func run(_ order: BatchOrder) async throws {
        let pictures = try await maker.begin(order)
        for stage in order.key.stages {
            for step in 1...order.key.settings.steps[stage] {
                endOverdue()
                guard let places = letGo() else { return }
                let start = now()
                let made = try await pictures.step(keeping: places)
                try add(made, stage: stage, step: step, seconds: (now() - start) / .seconds(1))
            }
        }
    }

    /// Drops the images of jobs that have ended.
    ///
    /// - Returns: The places of the others; nil where there are none.
    private func letGo() -> [Int]? {
        guard let rows = running?.rows else { return nil }
        let places = rows.indices.filter { jobs[rows[$0].job] != nil }
        if places.count < rows.count { running?.rows = places.map { rows[$0] } }
        return places.isEmpty ? nil : places
    }

    /// Hands on what a step brought.
    private func add(_ made: BatchStep, stage: Int, step: Int, seconds: Double) throws {
        guard let rows = running?.rows, let key = running?.key else { return }
        try check(made, images: rows.count, key: key, stage: stage, step: step)
        running?.stage = stage
        running?.step = step
        pace.add(
            seconds: seconds, stage: stage, key: key, images: rows.count, hasPictures: !made.pictures.isEmpty)
        tally.stepSeconds.add(seconds)

        let (time, seconds, shares) = (now(), secondsOfRunningBatch, Dictionary(grouping: rows, by: \.job))
        for (job, share) in shares {
            let left = seconds + secondsBehind[job, default: 0]
            jobs[job]?.take(step: step, stage: stage, images: share.count, at: time, secondsLeft: left)
        }
        for (row, draft) in zip(rows, made.drafts) { jobs[row.job]?.keep(draft, index: row.index) }
        for (row, png) in zip(rows, made.pictures) where jobs[row.job] != nil {
            jobs[row.job]?.add(png, index: row.index, stage: stage)
            if stage == key.stages.last { tally.images += 1 }
        }
        for id in shares.keys where jobs[id]?.isComplete == true { end(id, .done) }
    }

    /// - Throws: Where a maker does not keep its word, or else a job would wait for its pictures for ever.
    private func check(_ made: BatchStep, images: Int, key: BatchKey, stage: Int, step: Int) throws {
        let (isStageEnd, isLast) = (step == key.settings.steps[stage], stage == key.stages.last)
        let pictures = isStageEnd && key.hasPictures(stage) ? images : 0
        let drafts = isStageEnd && isLast && key.kind == .drafts ? images : 0
        guard made.pictures.count == pictures, made.drafts.count == drafts else {
            throw ECARError(
                "the maker gave \(made.pictures.count) pictures and \(made.drafts.count) drafts instead of \(pictures) and "
                    + "\(drafts) after step \(step) of stage \(stage + 1)")
        }
    }

    // MARK: Ending

    /// Ends a job that waits or runs, and keeps what came of it.
    func end(_ id: JobID, _ end: Job.End) {
        guard var job = jobs.removeValue(forKey: id) else { return }
        queue.remove(id)
        job.end(end, at: now())
        kept.add(job, at: now())
        switch end {
        case .done: tally.jobsDone += 1
        case .failed: tally.jobsFailed += 1
        case .cancelled: tally.jobsCancelled += 1
        }
    }

    /// Ends the jobs whose time is over, and all of them when that of the studio is.
    func endOverdue() {
        let time = now()
        let isClosed = closing.map { time >= $0 } ?? false
        let overdue = jobs.values.filter { isClosed || time - $0.submitted >= $0.timeLimit }
        guard !overdue.isEmpty else { return }
        for job in overdue {
            if isClosed {
                end(job.id, .cancelled("the server is shutting down"))
                abandoned += 1
            } else {
                let limit = String(format: "%g", job.timeLimit / .seconds(1))
                end(job.id, .failed("the job took longer than \(limit) s"))
            }
        }
        lookAhead()
    }
}
