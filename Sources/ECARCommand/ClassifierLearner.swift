import ECAREvaluation
import ECARImages
import ECARTraining
import Torch
import TorchNN

/// A classifier in training.
final class ClassifierLearner: Learner {
    private static let warmup = 0.05
    private static let weightDecay = 0.05
    private static let smoothing = 0.1

    let classifier: Classifier
    /// The same network over the running average of the weights.
    let averaged: Classifier
    /// Steps of the whole training.
    let steps: Int

    private let optimization: Optimization
    private let precision: Precision
    private let device: Device

    init(
        _ configuration: ClassifierConfiguration, steps: Int, learningRate: Double, seed: UInt64, precision: Precision,
        device: Device
    ) throws {
        let parameters = Parameters(.fresh(try Generator(seed: Generator.seed(seed, 1))), device: device)
        classifier = try Classifier(configuration, parameters)
        var settings = Optimization.Settings(
            schedule: LearningRateSchedule(
                peak: learningRate, warmupSteps: Int(Self.warmup * Double(steps)), steps: steps, shape: .cosine))
        (settings.weightDecay, settings.clipNorm) = (Self.weightDecay, 1)
        // The average looks back over a hundredth of the training.
        settings.emaDecay = 1 - 1 / max(100, Double(steps) / 100)
        optimization = try Optimization(parameters, settings: settings)
        let average = Dictionary(zip(parameters.names, optimization.average.tensors)) { _, last in last }
        averaged = try Classifier(configuration, Parameters(.weights(average), device: device))
        (self.steps, self.precision, self.device) = (steps, precision, device)
    }

    var step: Int { optimization.step }

    func advance(_ batch: ImageBatch, readsLosses: Bool) throws -> StepResult {
        let configuration = classifier.configuration
        let pictures = try Tensor(
            bytes: batch.pixels,
            shape: [batch.labels.count, configuration.channels, configuration.side, configuration.side], dtype: .uint8,
            device: device)
        let loss = try precision.run(on: device) {
            try classifier.loss(pictures, labels: batch.labels, smoothing: Self.smoothing)
        }
        let slopes = try gradients(of: [loss], with: classifier.parameters.tensors)
        let value = readsLosses ? try loss.item() : nil
        if let value { try optimization.checkFinite(value, "the loss") }
        let norm = try optimization.clip(slopes)
        let rate = try optimization.update(slopes)
        return StepResult(losses: value.map { [$0] } ?? [], weights: [1], gradientNorm: norm, learningRate: rate)
    }
}
