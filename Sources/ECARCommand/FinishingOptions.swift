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

    @OptionGroup var integration: IntegrationOptions

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
        return try integration.changing(settings)
    }
}
