import TorchNN

/// The body of `POST /api/jobs`.
enum JobBody: Decodable, Sendable {
    case new(NewJob)
    case finish(FinishedDraft)

    private enum Key: CodingKey { case finish }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        self = container.contains(.finish) ? .finish(try FinishedDraft(from: decoder)) : .new(try NewJob(from: decoder))
    }
}

/// Images to be made from their classes and seeds.
struct NewJob: Decodable, Sendable {
    private enum Key: String, CodingKey, CaseIterable {
        case `class`, classes, count, seed, steps, guidance, solver, timeShift, parallelGuidance, precision, stages,
            draft
    }

    let `class`: ClassReference?
    let classes: [ClassReference]?
    let count, seed: Int?
    let wishes: SamplingWishes
    let precision: Precision?
    let stages, draft: Bool?

    init(from decoder: any Decoder) throws {
        let fields = try Fields<Key>(decoder, isStrict: true)
        (`class`, classes) = (try fields.optional(.class), try fields.optional(.classes))
        (count, seed) = (try fields.optional(.count), try fields.optional(.seed))
        wishes = SamplingWishes(
            steps: try fields.optional(.steps), guidance: try fields.optional(.guidance),
            solver: try fields.choice(.solver), timeShift: try fields.optional(.timeShift),
            parallelGuidance: try fields.optional(.parallelGuidance))
        precision = try fields.choice(.precision)
        (stages, draft) = (try fields.optional(.stages), try fields.optional(.draft))
    }

    /// - Parameter client: Whose wish it is.
    func request(_ model: ServedModel, _ limits: Limits, client: String) throws(APIError) -> JobRequest {
        if let seed { try check("seed", seed, in: 0...Seed.largest) }
        let images = model.images(of: try labels(model, most: limits.images), seed: seed)
        return JobRequest(
            work: draft == true ? .drafts(images) : .images(images),
            settings: try wishes.settings(model.description.sampling, mostSteps: limits.steps),
            precision: precision ?? model.precision, showsStages: stages ?? false, client: client,
            timeLimit: limits.timeLimit)
    }

    /// The class of every image.
    private func labels(_ model: ServedModel, most: Int) throws(APIError) -> [Int] {
        switch (`class`, classes) {
        case (let one?, nil):
            let count = count ?? 1
            try check("count", count, in: 1...most)
            return Array(repeating: try one.label(in: model, param: "class"), count: count)
        case (nil, let several?):
            guard (1...most).contains(several.count) else {
                throw .invalid("classes must be 1…\(most) classes", param: "classes", code: "out_of_range")
            }
            guard count == nil else {
                throw .invalid(
                    "count goes with class; name a class several times in classes instead", param: "count",
                    code: "unknown_field")
            }
            var labels: [Int] = []
            for one in several { labels.append(try one.label(in: model, param: "classes")) }
            return labels
        case (nil, nil): throw .invalid("class is missing", param: "class", code: "missing_field")
        default: throw .invalid("give class or classes, not both", param: "classes", code: "unknown_field")
        }
    }
}

/// Images of a draft to be finished.
struct FinishedDraft: Decodable, Sendable {
    private enum Key: String, CodingKey, CaseIterable { case finish, steps, guidance, stages }

    private struct Finish: Decodable {
        private enum Key: String, CodingKey, CaseIterable { case job, picks, variations }

        let job: String
        let picks: [Int]
        let variations: Int?

        init(from decoder: any Decoder) throws {
            let fields = try Fields<Key>(decoder, isStrict: true)
            (job, picks, variations) = (
                try fields.value(.job), try fields.value(.picks), try fields.optional(.variations)
            )
        }
    }

    /// The draft's job.
    let job: String
    /// Places among its images.
    let picks: [Int]
    /// Of each pick; the first is the draft's own image.
    let variations: Int
    let wishes: SamplingWishes
    let stages: Bool?

    init(from decoder: any Decoder) throws {
        let fields = try Fields<Key>(decoder, isStrict: true)
        let finish: Finish = try fields.value(.finish)
        (job, picks, variations) = (finish.job, finish.picks, finish.variations ?? 1)
        wishes = SamplingWishes(steps: try fields.optional(.steps), guidance: try fields.optional(.guidance))
        stages = try fields.optional(.stages)
    }

    /// - Parameter draft: The job whose images are picked.
    func request(of draft: JobStatus, _ limits: Limits, client: String) throws(APIError) -> JobRequest {
        try check("finish.variations", variations, in: 1...limits.images)
        guard (1...limits.images).contains(picks.count), picks.allSatisfy({ $0 >= 0 }), Set(picks).count == picks.count
        else {
            throw .invalid(
                "finish.picks must be 1…\(limits.images) images of the draft, each once", param: "finish.picks",
                code: "out_of_range")
        }
        guard picks.allSatisfy(draft.images.indices.contains) else {
            throw .notFound("the draft has the images 0…\(draft.images.count - 1)")
        }
        guard picks.count * variations <= limits.images else {
            throw .invalid(
                "\(picks.count) picks in \(variations) variations are more than \(limits.images) images",
                param: "finish.variations", code: "too_many_images")
        }
        if case .each(let steps)? = wishes.steps, steps.first != draft.settings.steps.first {
            throw .invalid(
                "the first stage's steps are the draft's, \(draft.settings.steps[0])", param: "steps",
                code: "wrong_value")
        }
        if case .each(let guidance)? = wishes.guidance, guidance.first != draft.settings.guidance.first {
            throw .invalid(
                "the first stage's guidance is the draft's, \(draft.settings.guidance[0])", param: "guidance",
                code: "wrong_value")
        }
        let wanted = picks.flatMap { place in
            (0..<variations).map { JobRequest.Pick(index: place, variation: UInt64($0)) }
        }
        return JobRequest(
            work: .finish(draft: draft.id, picks: wanted),
            settings: try wishes.settings(draft.settings, mostSteps: limits.steps), precision: draft.precision,
            showsStages: stages ?? false, client: client, timeLimit: limits.timeLimit)
    }
}
