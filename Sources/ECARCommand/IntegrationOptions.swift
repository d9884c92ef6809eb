import ArgumentParser
import ECAR

/// How stages are integrated, be they all of a model's or those that follow a draft.
struct IntegrationOptions: ParsableArguments {
    @Option(help: "How to integrate: euler or heun. (default: the model's, or of drafts theirs)")
    var solver: Solver?

    @Option(
        help: ArgumentHelp(
            "How a stage's steps are spread: 1 evenly, 0.01…100, above 1 shorter near the noise. (default: the model's, or of drafts theirs)",
            valueName: "s"))
    var timeShift: Double?

    @Option(
        help: ArgumentHelp(
            "How much stays of guidance's pull along the predicted image, 0…1: less saturates colours less. (default: the model's, or of drafts theirs)",
            valueName: "η"))
    var parallelGuidance: Double?

    /// Settings with the user's changes.
    ///
    /// - Throws: `CommandError` where they cannot be.
    func changing(_ settings: SamplingSettings) throws -> SamplingSettings {
        var settings = settings
        if let solver { settings.solver = solver }
        if let timeShift { settings.timeShift = timeShift }
        if let parallelGuidance { settings.parallelGuidance = parallelGuidance }
        do {
            try settings.validate(stages: settings.steps.count)
        } catch {
            throw CommandError.usage("\(error)")
        }
        return settings
    }
}
