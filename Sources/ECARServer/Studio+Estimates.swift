/// How long things will take, from what was measured and from what waits.
extension Studio {
    /// Tells the jobs that wait their places, and estimates when each will have its last image; to be called whenever the
    /// queue has changed.
    func lookAhead() {
        secondsBehind = [:]
        var (images, seconds) = (0, 0.0)
        for batch in queue.schedule(limits.batch) {
            seconds += pace.seconds(batch.key, images: batch.count)
            for portion in batch.portions {
                if portion.images.lowerBound == 0 { jobs[portion.job]?.wait(behind: images) }
                secondsBehind[portion.job] = seconds
            }
            images += batch.count
        }
    }

    /// The seconds until a job has its last image.
    func secondsLeft(of job: JobID) -> Double { secondsOfRunningBatch + secondsBehind[job, default: 0] }

    /// What the batch that is being made will still take.
    var secondsOfRunningBatch: Double {
        guard let running else { return 0 }
        return pace.seconds(running.key, images: running.rows.count, after: running.step, of: running.stage)
    }

    /// The seconds until at least so many of the images that wait, and so many of a client's, have begun.
    func secondsUntilGone(_ images: Int, and imagesOfClient: Int, of client: String) -> Double {
        var (left, leftOfClient, seconds, queue) = (images, imagesOfClient, secondsOfRunningBatch, queue)
        while let batch = queue.take(limits.batch) {
            left -= batch.count
            leftOfClient -= batch.portions.reduce(0) { $0 + ($1.client == client ? $1.images.count : 0) }
            if left <= 0, leftOfClient <= 0 { break }
            seconds += pace.seconds(batch.key, images: batch.count)
        }
        return seconds
    }

    /// The seconds that a job would wait for its first image to begin if it came now.
    func secondsUntilBegun(_ job: Job) -> Double {
        var (seconds, queue) = (secondsOfRunningBatch, queue)
        queue.add(job.id, client: job.client, key: job.key, images: job.images.count)
        while let batch = queue.take(limits.batch), !batch.portions.contains(where: { $0.job == job.id }) {
            seconds += pace.seconds(batch.key, images: batch.count)
        }
        return seconds
    }
}
