import Torch
import TorchNN

/// A masked autoregressive model with diffusion loss (MAR, arXiv 2406.11838), prepared for sampling: a peer to measure E-CAR
/// against, on the same engine.
public struct MAR {
    public let configuration: MARConfiguration
    public let precision: Precision
    public let device: Device
    let transformer: MARTransformer
    let head: MARHead
    private let classEmbedding: Embedding
    private let null: Tensor  // (1, D)

    /// Takes the parameters layer by layer and packs each at once.
    ///
    /// - Throws: ``TorchError`` for a configuration that cannot be, missing weights, or a precision that the device does
    ///   not have.
    public init(_ configuration: MARConfiguration, _ parameters: Parameters, precision: Precision) throws(TorchError) {
        try configuration.validate()
        (self.configuration, self.precision, device) = (configuration, precision, parameters.device)
        classEmbedding = try Embedding(parameters.scope("classes"), configuration.classes, configuration.width)
        null = try parameters.tensor("null", [1, configuration.width], .normal(0.02))
        transformer = try MARTransformer(configuration, parameters, precision: precision)
        head = try MARHead(configuration, parameters.scope("head"), precision: precision)
    }

    /// The diffusion head's noise and where its variance lies between its bounds (R, 2C), predicted for tokens (R, C) at one
    /// training step, 0…999, each under its own condition (R, D) from the decoder.
    public func predict(_ tokens: Tensor, at step: Int, conditions: Tensor) throws -> Tensor {
        try Runtime.inference { try head.predict(tokens, at: step, conditions: conditions) }
    }

    /// The classes' embeddings (B, D), and below them as often that of no class where asked for (2B, D).
    func conditions(labels: [Int], guided: Bool) throws(TorchError) -> Tensor {
        let classes = try classEmbedding(Tensor(labels, device: device))  // (B, D)
        guard guided else { return classes }
        return try .cat([classes, null.expand([labels.count, configuration.width])], 0)  // (2B, D)
    }
}
