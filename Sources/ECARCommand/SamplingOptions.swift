import ArgumentParser
import ECAR
import TorchNN

/// How images are sampled.
struct SamplingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Steps of all stages together, or of each. (default: the model's)", valueName: "n|a,b,c"))
    var steps: StepsOption?

    @Option(help: ArgumentHelp("Guidance of all stages, or of each. (default: the model's)", valueName: "g|a,b,c"))
    var guidance: GuidanceOption?

    @OptionGroup var integration: IntegrationOptions

    @Option(
        name: .customLong("precision"), help: "The arithmetic of matrix products: f32, bf16 or int8. (default: f32)")
    var givenPrecision: Precision?

    @Option(name: .customLong("batch"), help: ArgumentHelp("Images at a time. (default: 32)", valueName: "n"))
    var givenBatch: Int?

    @Option(help: ArgumentHelp("The first image's seed.", valueName: "s"))
    var seed: UInt64 = 0

    var precision: Precision { givenPrecision ?? .f32 }
    var batch: Int { givenBatch ?? 32 }

    func validate() throws {
        guard (1...65_536).contains(batch) else { throw ValidationError("--batch must be 1…65536, not \(batch)") }
    }

    /// - Parameter count: Of images, each with a seed of its own.
    func checkSeeds(_ count: Int) throws {
        guard !seed.addingReportingOverflow(UInt64(count)).overflow else {
            throw ValidationError("--seed \(seed): too large for \(count) images")
        }
    }

    /// The model's settings with the user's changes.
    ///
    /// - Throws: `CommandError` where they do not fit the model.
    func settings(for description: ModelDescription) throws -> SamplingSettings {
        let stages = description.architecture.stages
        var settings = description.sampling
        if let steps { settings.steps = try steps.steps(stages: stages) }
        if let guidance { settings.guidance = try guidance.guidance(stages: stages) }
        return try integration.changing(settings)
    }
}
