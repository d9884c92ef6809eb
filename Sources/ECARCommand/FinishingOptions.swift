import ArgumentParser
import ECAR
import TorchNN

/// How drafts are gone on with. The first stage is theirs already.
struct FinishingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Steps of the later stages together, or of each. (default: the drafts')", valueName: "n|a,b"))
    var steps: StepsOption?

    @Option(
        help: ArgumentHelp("Guidance of the later stages, or of each. (default: the drafts')", valueName: "g|a,b"))
    var guidance: GuidanceOption?

    @Option(help: "How to integrate: euler or heun. (default: the drafts')")
    var solver: Solver?

    @Option(
        help: ArgumentHelp(
            "How a stage's steps are spread: 1 evenly, above 1 shorter near the noise. (default: the drafts')",
            valueName: "s"))
    var timeShift: Double?

    @Option(
        help: ArgumentHelp(
            "How much stays of guidance's pull along the predicted image: 1 all, less saturates colours less. (default: the drafts')",
            valueName: "η"))
    var parallelGuidance: Double?

    @Option(help: "The arithmetic of matrix products: f32, bf16 or int8. (default: the drafts')")
    var precision: Precision?

    @Option(help: ArgumentHelp("Images at a time.", valueName: "n"))
    var batch = 32

    func validate() throws {
        guard (1...65_536).contains(batch) else { throw ValidationError("--batch must be 1…65536, not \(batch)") }
    }

    /// The drafts' settings with the user's changes to those of the later stages.
    ///
    /// - Throws: `CommandError` where they do not fit.
    func settings(after draft: SamplingSettings) throws -> SamplingSettings {
        let (later, noun) = (draft.steps.count - 1, "later stages")
        var settings = draft
        if let steps { settings.steps = try draft.steps.prefix(1) + steps.steps(stages: later, noun: noun) }
        if let guidance {
            settings.guidance = try draft.guidance.prefix(1) + guidance.guidance(stages: later, noun: noun)
        }
        if let solver { settings.solver = solver }
        if let timeShift { settings.timeShift = timeShift }
        if let parallelGuidance { settings.parallelGuidance = parallelGuidance }
        do {
            try settings.validate(stages: later + 1)
        } catch {
            throw CommandError.usage("\(error)")
        }
        return settings
    }
}
