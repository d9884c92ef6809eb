import ECAR
import ECARPictures

/// What a request comes to, or why it comes to nothing.
extension Studio {
    func job(_ request: JobRequest, at time: Duration) throws(StudioError) -> Job {
        try maker.check(request.precision)
        var key = BatchKey(
            kind: .images, settings: request.settings, precision: request.precision, showsStages: request.showsStages)
        let images: [ImageRequest]
        var origins: [Draft] = []
        switch request.work {
        case .images(let wanted): images = wanted
        case .drafts(let wanted):
            guard maker.model.architecture.stages > 1 else {
                throw .wrong("the model has one stage, so it has no drafts")
            }
            (images, key.kind) = (wanted, .drafts)
        case .finish(let id, let picks): (images, origins, key) = try finish(id, picks, key)
        }
        try check(images)
        try check(key.settings)
        return Job(
            JobID(), client: request.client, key: key, images: images, origins: origins, submitted: time,
            timeLimit: request.timeLimit)
    }

    private func finish(_ id: JobID, _ picks: [JobRequest.Pick], _ key: BatchKey) throws(StudioError)
        -> ([ImageRequest], [Draft], BatchKey)
    {
        let draft = if let job = jobs[id] { job } else { try finished(id) }
        guard draft.isDraft else { throw .notADraft }
        let stagesKept = draft.key.stages.count
        guard stagesKept < maker.model.architecture.stages else {
            throw .wrong("the model has one stage, so its drafts are finished")
        }
        var key = key
        key.kind = .finishes(stagesKept: stagesKept)
        key.settings = try key.settings.joined(to: draft.key.settings, stagesKept: stagesKept)
        guard key.precision == draft.key.precision else {
            throw .wrong(
                "a draft of the precision \(draft.key.precision.rawValue) cannot be finished in \(key.precision.rawValue)"
            )
        }
        var (images, origins) = ([ImageRequest](), [Draft]())
        for pick in picks {
            guard draft.images.indices.contains(pick.index) else {
                throw .wrong("the draft has the images 0…\(draft.images.count - 1), but not \(pick.index)")
            }
            guard let origin = draft.drafts[pick.index] else { throw .notADraft }
            images.append(draft.images[pick.index].varied(pick.variation, stagesKept: stagesKept))
            origins.append(origin)
        }
        return (images, origins, key)
    }

    private func check(_ images: [ImageRequest]) throws(StudioError) {
        guard (1...limits.images).contains(images.count) else {
            throw .wrong("a job has 1…\(limits.images) images, not \(images.count)")
        }
        let classes = maker.model.architecture.classes
        if let wrong = images.first(where: { !(0..<classes).contains($0.class) }) {
            throw .wrong("there is no class \(wrong.class): the model has the classes 0…\(classes - 1)")
        }
    }

    private func check(_ settings: SamplingSettings) throws(StudioError) {
        do {
            try settings.validate(stages: maker.model.architecture.stages)
        } catch {
            throw .wrong(error.message)
        }
        // Every number of steps is bounded by now, so their sum does not overflow.
        let steps = settings.steps.reduce(0, +)
        guard steps <= limits.steps else {
            throw .wrong("all stages together may have \(limits.steps) steps here, not \(steps)")
        }
    }

    /// - Throws: ``StudioError/full(retryAfter:)`` where the job's images would be too many, or its time would be over before
    ///   its turn came.
    func checkRoom(for job: Job) throws(StudioError) {
        let tooMany = queue.count + job.images.count - limits.queuedImages
        let tooManyOfClient = queue.count(of: job.client) + job.images.count - limits.queuedImagesPerClient
        let seconds: Double
        if tooMany > 0 || tooManyOfClient > 0 {
            seconds = secondsUntilGone(tooMany, and: tooManyOfClient, of: job.client)
        } else {
            seconds = secondsUntilBegun(job) - job.timeLimit / .seconds(1)
            guard seconds >= 0 else { return }
        }
        throw .full(retryAfter: Int(min(max(1, seconds.rounded(.up)), 3600)))
    }
}

extension SamplingSettings {
    /// These settings with those of another for the first stages, as if an image had been made in one go.
    ///
    /// - Throws: ``StudioError/wrong(_:)`` where the two differ in what all stages share.
    fileprivate func joined(to draft: SamplingSettings, stagesKept: Int) throws(StudioError) -> SamplingSettings {
        var same = self
        (same.steps, same.guidance) = (draft.steps, draft.guidance)
        guard same == draft else {
            throw .wrong("a draft is finished with its own solver, time shift and parallel guidance")
        }
        guard steps.count == draft.steps.count, guidance.count == draft.guidance.count else { return self }
        var joined = self
        joined.steps.replaceSubrange(..<stagesKept, with: draft.steps.prefix(stagesKept))
        joined.guidance.replaceSubrange(..<stagesKept, with: draft.guidance.prefix(stagesKept))
        return joined
    }
}
