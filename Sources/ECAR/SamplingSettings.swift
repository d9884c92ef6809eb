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
    /// How much stays of guidance's pull along the image that is predicted: 1 is plain guidance; less keeps strong guidance from
    /// saturating colours (η of arXiv 2410.02416).
    public var parallelGuidance: Double

    public init(
        steps: [Int], guidance: [Double], solver: Solver = .euler, timeShift: Double = 1, parallelGuidance: Double = 1
    ) {
        (self.steps, self.guidance, self.solver) = (steps, guidance, solver)
        (self.timeShift, self.parallelGuidance) = (timeShift, parallelGuidance)
    }

    /// Whether any stage has guidance.
    public var usesGuidance: Bool { guidance.contains { $0 != 1 } }

    /// Whether a stage, from 0, has guidance.
    public func isGuided(_ stage: Int) -> Bool { guidance[stage] != 1 }

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
            throw ECARError("the time shift must be in 0.01…100, not \(timeShift)")
        }
        guard (0...1).contains(parallelGuidance) else {
            throw ECARError("parallel guidance must be in 0…1, not \(parallelGuidance)")
        }
    }
}

extension SamplingSettings {
    /// Files from before there was a time shift, or a weight of parallel guidance, have none.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            steps: try container.decode([Int].self, forKey: .steps),
            guidance: try container.decode([Double].self, forKey: .guidance),
            solver: try container.decode(Solver.self, forKey: .solver),
            timeShift: try container.decodeIfPresent(Double.self, forKey: .timeShift) ?? 1,
            parallelGuidance: try container.decodeIfPresent(Double.self, forKey: .parallelGuidance) ?? 1)
    }
}
