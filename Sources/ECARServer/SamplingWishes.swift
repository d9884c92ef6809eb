import ECAR
import TorchNN

/// One value for all stages, or one for each.
enum PerStage<Value: Decodable & Sendable>: Decodable, Sendable {
    case all(Value)
    case each([Value])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self =
            if let values = try? container.decode([Value].self) { .each(values) } else {
                .all(try container.decode(Value.self))
            }
    }
}

/// What a request wants of sampling to be other than usual.
struct SamplingWishes: Sendable {
    var steps: PerStage<Int>?
    var guidance: PerStage<Double>?
    var solver: Solver?
    var timeShift, parallelGuidance: Double?

    /// Settings with the wishes fulfilled.
    ///
    /// - Parameters:
    ///   - usual: What is not wished otherwise.
    ///   - mostSteps: Of all stages together.
    /// - Throws: ``APIError`` where a wish cannot be.
    func settings(_ usual: SamplingSettings, mostSteps: Int) throws(APIError) -> SamplingSettings {
        let stages = usual.steps.count
        var settings = usual
        switch steps {
        case .all(let total)?:
            guard (stages...max(stages, mostSteps)).contains(total) else {
                throw .invalid(
                    "steps must be \(stages)…\(mostSteps), not \(total)", param: "steps", code: "out_of_range")
            }
            settings.steps = SamplingSettings.split(steps: total, stages: stages)
        case .each(let steps)?:
            // An equal share for each is a bound that the API's description can tell, unlike one of their sum.
            let most = max(1, mostSteps / stages)
            guard steps.count == stages, steps.allSatisfy({ (1...most).contains($0) }) else {
                throw .invalid(
                    "steps must be \(stages) numbers of 1…\(most)", param: "steps", code: "out_of_range")
            }
            settings.steps = steps
        case nil: break
        }
        switch guidance {
        case .all(let scale)?: settings.guidance = Array(repeating: scale, count: stages)
        case .each(let scales)?: settings.guidance = scales
        case nil: break
        }
        if let solver { settings.solver = solver }
        if let timeShift { settings.timeShift = timeShift }
        if let parallelGuidance { settings.parallelGuidance = parallelGuidance }
        do {
            try settings.validate(stages: stages)
        } catch {
            throw .invalid(error.message)
        }
        return settings
    }
}

/// Seeds of the API: those that JavaScript's numbers hold without loss.
enum Seed {
    static let largest = (1 << 53) - 1

    /// A seed nobody asked for.
    static func random() -> Int { Int.random(in: 0...largest) }

    /// The seed of an image among several; after the largest comes 0.
    static func next(_ first: Int, _ index: Int) -> UInt64 { UInt64((first + index) & largest) }
}
