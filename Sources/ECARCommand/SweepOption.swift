import ArgumentParser
import ECAR

/// `--sweep steps=10,25,50` or `--sweep guidance=1,1.5`: settings to be tried one after the other.
enum SweepOption: ExpressibleByArgument {
    case steps([Int])
    case guidance([Double])

    init?(argument: String) {
        let sides = argument.split(separator: "=", omittingEmptySubsequences: false)
        guard sides.count == 2 else { return nil }
        let values = sides[1].split(separator: ",", omittingEmptySubsequences: false)
        switch sides[0] {
        case "steps":
            let numbers = values.compactMap { Int($0) }
            guard numbers.count == values.count, numbers.allSatisfy({ $0 > 0 }), Set(numbers).count == values.count
            else { return nil }
            self = .steps(numbers)
        case "guidance":
            let numbers = values.compactMap { Double($0) }
            guard numbers.count == values.count, numbers.allSatisfy(\.isFinite), Set(numbers).count == values.count
            else { return nil }
            self = .guidance(numbers)
        default: return nil
        }
    }

    private var key: String {
        switch self {
        case .steps: "steps"
        case .guidance: "guidance"
        }
    }

    /// All combinations of the swept settings, over the others; just these where nothing is swept.
    ///
    /// - Throws: `CommandError` where a setting does not fit the model.
    static func grid(_ sweeps: [SweepOption], over settings: SamplingSettings) throws -> [SamplingSettings] {
        let stages = settings.steps.count
        guard Set(sweeps.map(\.key)).count == sweeps.count else {
            throw CommandError.usage("--sweep: each of steps and guidance can be swept once, with all its values")
        }
        return try sweeps.reduce([settings]) { grid, sweep in
            try grid.flatMap { base in
                switch sweep {
                case .steps(let totals):
                    try totals.map { total in
                        guard total >= stages else {
                            throw CommandError.usage(
                                "--sweep steps=\(total): the model has \(stages) stages and each needs a step")
                        }
                        var point = base
                        point.steps = SamplingSettings.split(steps: total, stages: stages)
                        return point
                    }
                case .guidance(let scales):
                    scales.map { scale in
                        var point = base
                        point.guidance = Array(repeating: scale, count: stages)
                        return point
                    }
                }
            }
        }.map { point in
            do {
                try point.validate(stages: stages)
            } catch {
                throw CommandError.usage("--sweep: \(error)")
            }
            return point
        }
    }
}
