import ECAR
import ECARAutoencoder
import ECARImages
import Torch
import TorchNN

/// All that changes from step to step: weights, their running average, the optimizer, the stages' weights.
///
/// Random numbers derive from (seed, purpose, step), so no state of a generator belongs to it.
public final class TrainingState: Learner {
    /// What a derived seed is for.
    enum Purpose {
        static let initialization: UInt64 = 1
        static let data: UInt64 = 2
        static let noise: UInt64 = 3
        static let samples: UInt64 = 4
        static let posterior: UInt64 = 5
    }

    public let model: ECARModel
    /// The same architecture over the running average of the weights.
    public let averagedModel: ECARModel
    let optimization: Optimization
    var gradNorm: GradNorm?
    /// Time that they took, over all of the run's processes.
    var seconds = 0.0

    private let configuration: TrainingConfiguration
    private let device: Device
    /// The processes that share every batch.
    private let group: ProcessGroup?

    /// The beginning of a run, or, over a checkpoint's weights, some later point of it.
    init(
        _ configuration: TrainingConfiguration, weights: [String: Tensor]? = nil, device: Device,
        group: ProcessGroup? = nil
    ) throws {
        let seed = Generator.seed(configuration.seed, Purpose.initialization)
        let source = try weights.map { Parameters.Source.weights($0) } ?? .fresh(Generator(seed: seed))
        let parameters = Parameters(source, device: device)
        model = try ECARModel(configuration.model, parameters)
        optimization = try Optimization(parameters, settings: configuration.optimization)
        let averaged = Dictionary(zip(parameters.names, optimization.average.tensors)) { _, last in last }
        averagedModel = try ECARModel(configuration.model, Parameters(.weights(averaged), device: device))
        gradNorm = configuration.gradNorm.map { GradNorm(stages: configuration.model.stages, settings: $0) }
        (self.configuration, self.device, self.group) = (configuration, device, group)
    }

    /// Steps taken.
    public var step: Int { optimization.step }

    /// w_s of every stage.
    public var stageWeights: [Double] {
        gradNorm?.weights ?? Array(repeating: 1, count: configuration.model.stages)
    }

    /// Takes one step on a batch, or on this process's share of one.
    public func advance(_ batch: LatentBatch, readsLosses: Bool) throws -> StepResult {
        let inputs = try draw(batch)
        let weights = stageWeights
        var gradients = try configuration.precision.run(on: device) { try meanGradients(inputs, weights: weights) }
        if let group { try gradients.average(over: group) }
        let losses = readsLosses || gradNorm != nil ? try gradients.losses.map { try $0.item() } : []
        for (stage, loss) in losses.enumerated() {
            try optimization.checkFinite(loss, "the loss of stage \(stage + 1)")
        }
        let norm = try optimization.clip(gradients.total)
        if gradNorm != nil {
            gradNorm?.update(losses: losses, norms: try gradients.sharedNorms(weights: weights))
        }
        let rate = try optimization.update(gradients.total)
        return StepResult(losses: readsLosses ? losses : [], weights: weights, gradientNorm: norm, learningRate: rate)
    }

    /// The batch on the device, and the step's random draws.
    private func draw(_ batch: LatentBatch) throws -> TrainingInputs {
        let (rank, processes) = (group?.rank ?? 0, group?.processes ?? 1)
        func seeds(_ purpose: UInt64) -> [UInt64] {
            batch.labels.indices.map {
                Generator.seed(configuration.seed, purpose, UInt64(step), UInt64(rank + $0 * processes))
            }
        }
        return try TrainingInputs.draw(
            latents: batch.posterior.sample(seeds: seeds(Purpose.posterior)), labels: batch.labels,
            configuration: configuration.model, settings: configuration.noise, seeds: seeds(Purpose.noise))
    }

    /// The mean gradients of the micro-batches.
    private func meanGradients(_ inputs: TrainingInputs, weights: [Double]) throws -> StageGradients {
        let parts = configuration.microBatches
        func gradients(_ inputs: TrainingInputs) throws(TorchError) -> StageGradients {
            try model.gradients(
                inputs.sharing(configuration.stageShares ?? []), weights: weights, separately: gradNorm != nil,
                checkpointing: configuration.activationCheckpointing)
        }
        guard parts > 1 else { return try gradients(inputs) }
        var sum = try gradients(inputs.part(0, of: parts))
        for index in 1..<parts { try sum.add(gradients(inputs.part(index, of: parts))) }
        try sum.scale(1 / Double(parts))
        return sum
    }
}
