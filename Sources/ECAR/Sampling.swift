import Torch
import TorchNN

/// Images on their way, one integration step at a time: a lazy sequence, so that progress, previews and cancelling are the
/// caller's loop. A value: a copy can be kept and continued, and what is complete can be kept as a ``Draft``.
///
/// B images, 2B rows where guidance is in use (the class's rows first, then the null class's).
public struct Sampling: Sendable {
    /// The images after one more step.
    public struct Step: Sendable {
        /// The stage, from 0, and the step within it, from 1.
        public let stage: Int
        public let step: Int
        /// z at the step's end (B, C, h, h); after a stage's last step the clean x̂_s.
        public let latents: Tensor
        /// Whether the stage is complete.
        public let isStageEnd: Bool
    }

    /// What a stage holds on to between its steps.
    private struct Stage {
        var z: Tensor  // (B, C, h, h)
        let spatial: Modulation  // of B or 2B rows
        let guided: Bool
        var temporal: TemporalModulations

        /// The images of some places, `bothRows` being theirs and their null class's.
        func gather(rows: Tensor, bothRows: Tensor) throws(TorchError) -> Stage {
            Stage(
                z: try z.gather(0, rows), spatial: try spatial.gather(guided ? bothRows : rows), guided: guided,
                temporal: temporal)
        }
    }

    /// The temporal modulations at the times τ_0 … τ_{n−1} of a stage, made for many steps at once; never for more than
    /// `longest`, so that memory does not grow with the steps.
    private struct TemporalModulations {
        static let longest = 256

        let settings: SamplingSettings
        let steps: Int
        private var window = 0..<0
        private var modulation: Modulation?

        init(_ settings: SamplingSettings, steps: Int) { (self.settings, self.steps) = (settings, steps) }

        /// The modulation at τ_k.
        mutating func callAsFunction(_ k: Int, _ head: PreparedHead, _ device: Device) throws(TorchError) -> Modulation
        {
            if window.contains(k), let modulation { return try modulation.step(k - window.lowerBound) }
            window = k..<min(k + Self.longest, steps)
            let times = window.map { settings.time($0, of: steps) }
            let made = try head.temporalModulation(
                Tensor(bytes: times, shape: [times.count], dtype: .float64).to(device.preciseType, device))
            modulation = made
            return try made.step(0)
        }
    }

    private let sampler: Sampler
    private var noises: [Tensor]  // S × (B, C, h_s, h_s)
    private var cache: [KeyValueCache]
    private var stepIndex = 0
    private var stage: Stage?

    /// The images as far as their stages are complete.
    public private(set) var draft: Draft

    init(sampler: Sampler, draft: Draft, noises: [Tensor]) throws {
        let device = sampler.model.device
        (self.sampler, cache) = (sampler, sampler.model.ar.makeCache())
        self.draft = Draft(labels: draft.labels, stages: [])
        self.noises = try noises.map { try $0.to(device) }
        for images in draft.stages {
            _ = try Runtime.inference { () throws(TorchError) in try nextTokenMap() }
            self.draft.stages.append(try images.to(device))
        }
    }

    private var labels: [Int] { draft.labels }
    /// The stage on the way, from 0.
    private var stageIndex: Int { draft.stages.count }
    /// Where guidance is in use, the null class goes through the transformer beside the images' own.
    private var usesGuidance: Bool { sampler.settings.usesGuidance }

    /// The steps of all stages together.
    public var totalSteps: Int { sampler.settings.steps.reduce(0, +) }

    /// Takes the next step; nil when the last stage is complete.
    public mutating func next() throws -> Step? {
        guard stageIndex < sampler.model.configuration.stages else { return nil }
        return try Runtime.inference { try advance() }
    }

    /// Runs to the end and returns the clean images x̂_s of the stages that this completes; those of all stages are in ``draft``.
    public mutating func finish() throws -> [Tensor] {
        var images: [Tensor] = []
        while let step = try next() {
            if step.isStageEnd { images.append(step.latents) }
        }
        return images
    }

    /// Lets all images go but those of the given places, which move up. The others go on as if they had been alone, even in
    /// the middle of a stage.
    ///
    /// - Throws: ``ECARError`` where there is no such place.
    public mutating func keep(_ places: [Int]) throws {
        let (count, device, draft) = (labels.count, sampler.model.device, try draft.picking(places))
        let rows = try Tensor(places, device: device)
        let bothRows = try Tensor(places + places.map { $0 + count }, device: device)
        var kept = self
        try Runtime.inference {
            kept.draft = draft
            kept.noises = try noises.map { try $0.gather(0, rows) }
            kept.cache = try cache.map { try $0.gather(usesGuidance ? bothRows : rows) }
            if let stage { kept.stage = try stage.gather(rows: rows, bothRows: bothRows) }
        }
        self = kept
    }

    private mutating func advance() throws(TorchError) -> Step {
        var current = if let stage { stage } else { try begin() }
        current.z = try integrate(&current)
        stepIndex += 1
        let isStageEnd = stepIndex == sampler.settings.steps[stageIndex]
        let step = Step(stage: stageIndex, step: stepIndex, latents: current.z, isStageEnd: isStageEnd)
        if isStageEnd {
            (stage, stepIndex) = (nil, 0)
            draft.stages.append(current.z)
        } else {
            stage = current
        }
        return step
    }

    /// Upsamples and re-noises the result of the stage before (§A.3), and computes all that does not change from step to step.
    private mutating func begin() throws(TorchError) -> Stage {
        let (model, settings) = (sampler.model, sampler.settings)
        let (previous, noise) = (draft.stages.last, noises[stageIndex])
        let start = try model.path.start(stageIndex, previous: previous, noise: noise)  // (B, C, h, h)
        let guided = settings.isGuided(stageIndex)
        var tokenMap = try nextTokenMap()  // (B or 2B, N, D)
        if usesGuidance, !guided { tokenMap = try tokenMap.narrow(0, start: 0, length: labels.count) }
        return Stage(
            z: start, spatial: try model.heads[stageIndex].spatialModulation(tokenMap), guided: guided,
            temporal: TemporalModulations(settings, steps: settings.steps[stageIndex]))
    }

    /// The stage's token map (§3.2), B rows or 2B.
    private mutating func nextTokenMap() throws(TorchError) -> Tensor {
        let model = sampler.model
        let nulls = usesGuidance ? Array(repeating: model.configuration.nullClass, count: labels.count) : []
        var upsampled = try draft.stages.last.map { (x) throws(TorchError) in try Pyramid.up(x) }
        if usesGuidance, let x = upsampled { upsampled = try .cat([x, x], 0) }
        var cache = self.cache  // kept only where all goes well
        let tokenMap = try model.ar.next(
            stageIndex, labels: Tensor(labels + nulls, device: model.device), upsampled: upsampled, cache: &cache)
        self.cache = cache
        return tokenMap
    }

    /// One step of the solver: z at the next time.
    private func integrate(_ stage: inout Stage) throws(TorchError) -> Tensor {
        let (settings, steps) = (sampler.settings, sampler.settings.steps[stageIndex])
        let size = settings.time(stepIndex + 1, of: steps) - settings.time(stepIndex, of: steps)
        let slope = try velocity(stage.z, &stage, at: stepIndex)
        let euler = try stage.z + slope * size
        let isLast = stepIndex + 1 == steps
        guard settings.solver == .heun, !isLast else { return euler }
        return try stage.z + (slope + velocity(euler, &stage, at: stepIndex + 1)) * (size / 2)
    }

    /// The velocity at τ_k, guided where it is to be: both halves in one batch.
    private func velocity(_ z: Tensor, _ stage: inout Stage, at step: Int) throws(TorchError) -> Tensor {
        let (head, settings) = (sampler.model.heads[stageIndex], sampler.settings)
        let temporal = try stage.temporal(step, head, sampler.model.device)
        let velocity = try head.velocity(z, spatial: stage.spatial, temporal: temporal)  // (B or 2B, C, h, h)
        guard stage.guided else { return velocity }
        let halves = try velocity.split(0, lengths: [labels.count, labels.count])
        let guidance = Guidance(scale: settings.guidance[stageIndex], parallel: settings.parallelGuidance)
        return try guidance.velocity(
            z, class: halves[0], null: halves[1], at: settings.time(step, of: settings.steps[stageIndex]))
    }
}
