import ArgumentParser
import ECAR

/// `--steps N` for all stages together, or `--steps a,b,c`.
struct StepsOption: ExpressibleByArgument {
    let values: [Int]

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard !parts.isEmpty, parts.allSatisfy({ ($0 ?? 0) > 0 }) else { return nil }
        values = parts.compactMap { $0 }
    }

    /// - Parameter noun: What the stages are called that the numbers are for.
    /// - Throws: `CommandError` where the numbers do not fit so many stages.
    func steps(stages: Int, noun: String = "stages") throws -> [Int] {
        if values.count == stages { return values }
        guard values.count == 1 else {
            throw CommandError.usage("--steps has \(values.count) numbers, and the model \(stages) \(noun)")
        }
        guard values[0] >= stages else {
            throw CommandError.usage("--steps \(values[0]): the model has \(stages) \(noun) and each needs a step")
        }
        return SamplingSettings.split(steps: values[0], stages: stages)
    }
}

/// `--guidance G` for every stage, or `--guidance a,b,c`.
struct GuidanceOption: ExpressibleByArgument {
    let values: [Double]

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard !parts.isEmpty, parts.allSatisfy({ $0?.isFinite ?? false }) else { return nil }
        values = parts.compactMap { $0 }
    }

    /// - Parameter noun: What the stages are called that the numbers are for.
    /// - Throws: `CommandError` where the numbers do not fit so many stages.
    func guidance(stages: Int, noun: String = "stages") throws -> [Double] {
        if values.count == stages { return values }
        guard values.count == 1 else {
            throw CommandError.usage("--guidance has \(values.count) numbers, and the model \(stages) \(noun)")
        }
        return Array(repeating: values[0], count: stages)
    }
}
