import ECAR
import Foundation
import Torch
import TorchNN

/// E-CAR of a configuration with random weights, or of a folder with its own.
public struct ECARSubject: BenchmarkSubject {
    /// The paper's (§4.1).
    static let usualSteps = 250
    static let usualGuidance = 1.5

    private let configuration: ModelConfiguration
    private let folder: URL?
    /// Of the folder's model.
    private let sampling: SamplingSettings?

    public init(_ configuration: ModelConfiguration) {
        (self.configuration, folder, sampling) = (configuration, nil, nil)
    }

    public init(folder: URL) throws {
        let description = try ModelDirectory.readDescription(folder)
        configuration = description.architecture
        self.folder = folder
        sampling = description.sampling
    }

    /// Steps and guidance: the folder's where it has some and the case does not say.
    private func settings(_ what: BenchmarkCase) throws -> SamplingSettings {
        let stages = configuration.stages
        var settings = sampling ?? .paper(stages: stages, guidance: Self.usualGuidance)
        if let steps = what.steps {
            guard steps >= stages else {
                throw BenchmarkError("\(what.model) has \(stages) stages, and each needs a step: --steps \(steps)")
            }
            settings.steps = SamplingSettings.split(steps: steps, stages: stages)
        }
        if !what.isGuided {
            settings.guidance = Array(repeating: 1, count: stages)
        } else if !settings.usesGuidance {
            settings.guidance = Array(repeating: Self.usualGuidance, count: stages)
        }
        try settings.validate(stages: stages)
        return settings
    }

    public func cost(_ what: BenchmarkCase) throws -> BenchmarkCost {
        let settings = try settings(what)
        let cost = Cost(configuration, sampling: settings)
        return BenchmarkCost(
            parameters: cost.parameters, steps: settings.steps.reduce(0, +),
            stages: cost.stages.map { .init(side: $0.side, tokens: $0.tokens, macs: $0.macs) },
            workingBytes: workingBytes(what))
    }

    /// The keys and values of all tokens, and of the stage with the most its spatial modulations and a block.
    private func workingBytes(_ what: BenchmarkCase) -> Double {
        let c = configuration
        let stages = (0..<c.stages).map { s in
            Double(c.tokens(s) * (6 * c.flowDepths[s] + 2) * c.width) * what.matrixBytes
                + what.blockBytes(tokens: c.tokens(s), width: c.width, heads: c.heads)
        }
        let cache = Double(c.tokenCounts.reduce(0, +) * 2 * c.arDepth * c.width) * what.matrixBytes
        return what.rows * (cache + (stages.max() ?? 0))
    }

    public func prepare(_ what: BenchmarkCase, device: Device) throws -> any BenchmarkSampler {
        let model =
            if let folder {
                try ModelDirectory.load(folder, device: device, precision: what.precision).model
            } else {
                try randomModel(what, device: device)
            }
        let sampler = try Sampler(model, settings: settings(what), precision: what.precision)
        return try ECARTimedSampler(sampler: sampler, what: what, cost: cost(what))
    }

    private func randomModel(_ what: BenchmarkCase, device: Device) throws -> ECARModel {
        let source = Parameters.Source.random(try Generator(seed: Generator.seed(what.seed)))
        return try ECARModel(
            configuration,
            Parameters(source, device: device, matrixType: what.precision.weightType, remembers: false))
    }
}

private struct ECARTimedSampler: BenchmarkSampler {
    let sampler: Sampler
    let what: BenchmarkCase
    let cost: BenchmarkCost

    private func begin(_ sampler: Sampler) throws -> Sampling {
        try sampler.images(
            labels: what.labels(of: sampler.model.configuration.classes),
            seeds: (0..<what.batch).map { what.seed &+ UInt64($0) })
    }

    /// The first step of every stage, which also prepares for the stage's others: of all steps of the stage, reached through
    /// a single step of each stage before.
    func warmUp() throws {
        for stage in sampler.settings.steps.indices {
            var settings = sampler.settings
            settings.steps = settings.steps.enumerated().map { $0 == stage ? $1 : 1 }
            var sampling = try begin(Sampler(sampler.model, settings: settings))
            for _ in 0...stage { _ = try sampling.next() }
        }
    }

    func sample(didStep: (Double) throws -> Void) throws -> [Double] {
        let clock = ContinuousClock()
        var start = clock.now
        var sampling = try begin(sampler)
        var (seconds, done) = ([Double](), 0.0)
        while let step = try sampling.next() {
            done += cost.stages[step.stage].macs / Double(sampler.settings.steps[step.stage])
            if step.isStageEnd {
                try BenchmarkError.check(step.latents, of: what)
                let now = clock.now
                seconds.append((now - start) / .seconds(1))
                start = now
            }
            try didStep(done / cost.macs)
        }
        return seconds
    }
}
