import Torch
import TorchNN

/// E-CAR: one autoregressive transformer and one flow head a stage.
public struct ECARModel {
    public let configuration: ModelConfiguration
    public let path: FlowPath
    public let ar: ARTransformer
    public let heads: [FlowHead]

    /// All parameters, in the order and by the names of the model's file.
    public let parameters: Parameters
    let parameterIndices: ParameterIndices

    /// Builds the model over the given parameters: fresh ones to be trained, or weights read from a file.
    ///
    /// - Throws: ``ECARError`` where the configuration is invalid; ``TorchError`` naming a tensor that is missing, of
    ///   another shape, or of no use.
    public init(_ configuration: ModelConfiguration, _ parameters: Parameters) throws {
        try configuration.validate()
        self.configuration = configuration
        self.parameters = parameters
        path = FlowPath(configuration)
        ar = try ARTransformer(configuration, parameters.scope("ar"))
        heads = try (0..<configuration.stages).map { stage in
            try FlowHead(configuration, stage: stage, parameters.scope("heads").scope(stage))
        }
        parameterIndices = ParameterIndices(parameters.names, configuration)
        if let unused = parameters.unusedWeights.first {
            throw TorchError("the tensor \(unused) does not belong to a model of this configuration")
        }
    }

    public var device: Device { parameters.device }
}

/// Where a training step finds the parameters of the model's parts, as indices into ``ECARModel/parameters``.
struct ParameterIndices {
    /// Those of every stage's flow head.
    let heads: [[Int]]
    /// Those of the last autoregressive layer and of the norm behind it: GradNorm's W first.
    let last: [Int]
    /// How many of `last` are GradNorm's W: the last autoregressive layer, or, where there is none, the norm.
    let sharedCount: Int
    /// All others of the autoregressive transformer.
    let trunk: [Int]

    init(_ names: [String], _ configuration: ModelConfiguration) {
        func indices(_ prefix: String) -> [Int] { names.indices.filter { names[$0].hasPrefix(prefix) } }
        heads = (0..<configuration.stages).map { indices("heads.\($0).") }
        let norm = indices("ar.norm.")
        let block = configuration.arDepth > 0 ? indices("ar.blocks.\(configuration.arDepth - 1).") : []
        last = block + norm
        sharedCount = block.isEmpty ? norm.count : block.count
        trunk = indices("ar.").filter { [last] in !last.contains($0) }
    }
}
