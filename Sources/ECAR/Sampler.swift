import Foundation
import Torch
import TorchNN

/// How a stage's velocity is integrated from τ = 0 to τ = 1.
public enum Solver: String, Codable, Sendable, CaseIterable {
    /// z ← z + v(z, τ)·Δτ; one evaluation a step.
    case euler
    /// The trapezoidal rule with an Euler predictor; two evaluations a step, but one in a stage's last: at τ = 1 no noise is
    /// left that a velocity could be told from (as arXiv 2206.00364 ends its steps).
    case heun
}

/// Steps, guidance and solver of sampling, per stage where they may differ.
public struct SamplingSettings: Codable, Sendable, Equatable {
    /// Steps of every stage.
    public var steps: [Int]
    /// Guidance scale of every stage; 1 is none (arXiv 2207.12598).
    public var guidance: [Double]
    public var solver: Solver
    /// How a stage's steps are spread over its time: 1 evenly, above 1 shorter ones near the noise, below 1 near the image.
    public var timeShift: Double

    public init(steps: [Int], guidance: [Double], solver: Solver = .euler, timeShift: Double = 1) {
        (self.steps, self.guidance, self.solver, self.timeShift) = (steps, guidance, solver, timeShift)
    }

    /// τ_k of a stage's n steps. With u = k/n, the noise 1 − u that is left becomes s(1 − u)/(1 + (s − 1)(1 − u)), which is 1 − τ
    /// (the time shift s of arXiv 2403.03206, Eq. 23).
    public func time(_ k: Int, of n: Int) -> Double {
        let u = Double(k) / Double(n)
        return u / (u + timeShift * (1 - u))
    }

    /// A total number of steps over all stages, an equal share each; the remainder goes to the last.
    public static func split(steps total: Int, stages: Int) -> [Int] {
        let share = total / max(1, stages)
        return (0..<stages).map { $0 == stages - 1 ? total - share * (stages - 1) : share }
    }

    /// The paper's setting: 250 Euler steps (§4.1).
    public static func paper(stages: Int, guidance: Double = 1.5) -> SamplingSettings {
        SamplingSettings(
            steps: split(steps: 250, stages: stages), guidance: Array(repeating: guidance, count: stages))
    }

    static let mostSteps = 100_000

    /// - Throws: ``ECARError`` where the settings do not fit a model of so many stages.
    public func validate(stages: Int) throws(ECARError) {
        guard steps.count == stages, guidance.count == stages else {
            throw ECARError(
                "the model has \(stages) stages, but there are \(steps.count) numbers of steps and "
                    + "\(guidance.count) guidance scales")
        }
        guard steps.allSatisfy({ (1...Self.mostSteps).contains($0) }) else {
            throw ECARError("every stage needs 1…\(Self.mostSteps) steps, not \(steps)")
        }
        guard guidance.allSatisfy({ $0.isFinite && $0 >= 0 && $0 <= 1000 }) else {
            throw ECARError("guidance scales must be in 0…1000, not \(guidance)")
        }
        guard (0.01...100).contains(timeShift) else {
            throw ECARError("timeShift must be in 0.01…100, not \(timeShift)")
        }
    }
}

extension SamplingSettings {
    /// Files from before there was a time shift have none.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            steps: try container.decode([Int].self, forKey: .steps),
            guidance: try container.decode([Double].self, forKey: .guidance),
            solver: try container.decode(Solver.self, forKey: .solver),
            timeShift: try container.decodeIfPresent(Double.self, forKey: .timeShift) ?? 1)
    }
}

/// Draws images from a model (§3.5).
public struct Sampler {
    public let model: PreparedModel
    public let settings: SamplingSettings

    /// - Throws: ``ECARError`` where the settings do not fit the model.
    public init(_ model: PreparedModel, settings: SamplingSettings) throws(ECARError) {
        try settings.validate(stages: model.configuration.stages)
        (self.model, self.settings) = (model, settings)
    }

    /// Prepares the model in the given precision, and draws from it.
    public init(_ model: ECARModel, settings: SamplingSettings, precision: Precision = .f32) throws {
        try self.init(PreparedModel(model, precision: precision), settings: settings)
    }

    /// Begins images of the given classes, all noise coming from their seeds. No step is taken before ``Sampling/next()``.
    ///
    /// - Parameters:
    ///   - labels: One class an image, 0 ..< classes.
    ///   - seeds: One seed an image. The noise of an image is a function of its seed and the stage and of nothing else, so
    ///     an image does not depend on its batch.
    /// - Throws: ``ECARError`` for a class that the model does not have.
    public func images(labels: [Int], seeds: [UInt64]) throws -> Sampling {
        guard labels.count == seeds.count else {
            throw ECARError("\(labels.count) classes and \(seeds.count) seeds do not make a batch")
        }
        let noises = try (0..<model.configuration.stages).map { stage in
            try Tensor.stack(seeds.map { try Self.noise(seed: $0, stage: stage, model.configuration) })
        }
        return try images(labels: labels, noises: noises)
    }

    /// Begins images of the given classes from given noise.
    ///
    /// - Parameter noises: n_s (B, C, h_s, h_s) of every stage, standard normal.
    public func images(labels: [Int], noises: [Tensor]) throws -> Sampling {
        let configuration = model.configuration
        if let wrong = labels.first(where: { !(0..<configuration.classes).contains($0) }) {
            throw ECARError("there is no class \(wrong): the model has the classes 0…\(configuration.classes - 1)")
        }
        let shapes = (0..<configuration.stages).map { configuration.latentShape($0, batch: labels.count) }
        guard !labels.isEmpty, noises.map(\.shape) == shapes else {
            throw ECARError("\(labels.count) images need noise of the shapes \(shapes), not \(noises.map(\.shape))")
        }
        return Sampling(sampler: self, labels: labels, noises: try noises.map { try $0.to(model.device) })
    }

    /// The noise n_s of one image at one stage (C, h, h), hashed from the seed and the stage.
    static func noise(seed: UInt64, stage: Int, _ configuration: ModelConfiguration) throws(TorchError) -> Tensor {
        let generator = try Generator(seed: Generator.seed(seed, UInt64(stage)))
        return try .randn(Array(configuration.latentShape(stage, batch: 1).dropFirst()), generator: generator)
    }
}

/// Images on their way, one integration step at a time: a lazy sequence, so that progress, previews and cancelling are the
/// caller's loop. A value: a copy can be kept and continued.
///
/// B images, 2B rows where guidance is in use (the class's rows first, then the null class's).
public struct Sampling {
    /// The images after one more step.
    public struct Step {
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
    private let labels: [Int]
    private let noises: [Tensor]  // S × (B, C, h_s, h_s)
    private var cache: [KeyValueCache]
    private var stageIndex = 0
    private var stepIndex = 0
    private var stage: Stage?
    private var previous: Tensor?  // x̂_{s−1} (B, C, h/2, h/2)

    init(sampler: Sampler, labels: [Int], noises: [Tensor]) {
        (self.sampler, self.labels, self.noises) = (sampler, labels, noises)
        cache = sampler.model.ar.makeCache()
    }

    /// The steps of all stages together.
    public var totalSteps: Int { sampler.settings.steps.reduce(0, +) }

    /// Takes the next step; nil when the last stage is complete.
    public mutating func next() throws -> Step? {
        guard stageIndex < sampler.model.configuration.stages else { return nil }
        return try Runtime.inference { try advance() }
    }

    /// Runs to the end and returns every stage's clean images x̂_1 … x̂_S.
    public mutating func finish() throws -> [Tensor] {
        var images: [Tensor] = []
        while let step = try next() {
            if step.isStageEnd { images.append(step.latents) }
        }
        return images
    }

    private mutating func advance() throws(TorchError) -> Step {
        var current = if let stage { stage } else { try begin() }
        current.z = try integrate(&current)
        stepIndex += 1
        let isStageEnd = stepIndex == sampler.settings.steps[stageIndex]
        let step = Step(stage: stageIndex, step: stepIndex, latents: current.z, isStageEnd: isStageEnd)
        if isStageEnd {
            (stage, previous) = (nil, current.z)
            (stageIndex, stepIndex) = (stageIndex + 1, 0)
        } else {
            stage = current
        }
        return step
    }

    /// Upsamples and re-noises the result of the stage before (§A.3), and computes the stage's token map (§3.2) and all
    /// that does not change from step to step.
    private mutating func begin() throws(TorchError) -> Stage {
        let (model, settings) = (sampler.model, sampler.settings)
        let (configuration, device) = (model.configuration, model.device)
        let start = try model.path.start(stageIndex, previous: previous, noise: noises[stageIndex])  // (B, C, h, h)

        let usesGuidance = settings.guidance.contains { $0 != 1 }
        var cache = self.cache  // kept only once the stage has begun
        let nulls = usesGuidance ? Array(repeating: configuration.nullClass, count: labels.count) : []
        var upsampled = try previous.map { (x) throws(TorchError) in try Pyramid.up(x) }
        if usesGuidance, let x = upsampled { upsampled = try .cat([x, x], 0) }
        var tokenMap = try model.ar.next(
            stageIndex, labels: Tensor(labels + nulls, device: device), upsampled: upsampled, cache: &cache)
        let guided = settings.guidance[stageIndex] != 1
        if usesGuidance, !guided { tokenMap = try tokenMap.narrow(0, start: 0, length: labels.count) }

        let spatial = try model.heads[stageIndex].spatialModulation(tokenMap)
        self.cache = cache
        return Stage(
            z: start, spatial: spatial, guided: guided,
            temporal: TemporalModulations(settings, steps: settings.steps[stageIndex]))
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

    /// v_u + g·(v_c − v_u), both halves in one batch.
    private func velocity(_ z: Tensor, _ stage: inout Stage, at step: Int) throws(TorchError) -> Tensor {
        let head = sampler.model.heads[stageIndex]
        let temporal = try stage.temporal(step, head, sampler.model.device)
        let velocity = try head.velocity(z, spatial: stage.spatial, temporal: temporal)  // (B or 2B, C, h, h)
        guard stage.guided else { return velocity }
        let halves = try velocity.split(0, lengths: [labels.count, labels.count])
        return try halves[1] + (halves[0] - halves[1]) * sampler.settings.guidance[stageIndex]
    }
}
