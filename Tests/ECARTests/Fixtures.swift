import ECAR
import Foundation
import TestSupport
import Testing
import Torch
import TorchNN

/// Numbers of PyTorch, written by Scripts/fixtures.py.
struct Fixture {
    let file: TensorFile

    init(_ name: String) throws {
        file = try TensorFile(name)
    }

    subscript(_ name: String) -> Tensor {
        get throws { try file[name] }
    }

    /// The tensors whose names begin with `prefix` and go on with one of `names`, under the rest of their names.
    func parameters(_ prefix: String, _ names: [String]) throws -> Parameters {
        var weights: [String: Tensor] = [:]
        for name in names { weights[name] = try self["\(prefix).\(name)"].clone().requiringGradient() }
        return Parameters(.weights(weights))
    }

    /// The model whose configuration stands in the metadata.
    func model() throws -> ECARModel {
        let json = try #require(file.metadata["config"])
        let configuration = try StrictJSON.decode(ModelConfiguration.self, from: Data(json.utf8), name: "fixture")
        let names = try ECARModel(configuration, Parameters(.fresh(Generator(seed: 0)))).parameters.names
        var weights: [String: Tensor] = [:]
        for name in names { weights[name] = try self[name].clone().requiringGradient() }
        return try ECARModel(configuration, Parameters(.weights(weights)))
    }

    /// The batch and the random draws of the training step that the fixture holds.
    func inputs(stages: Int) throws -> TrainingInputs {
        TrainingInputs(
            latents: try self["images"], labels: try self["labels"],
            times: try (0..<stages).map { try self["tau.\($0)"] },
            noises: try (0..<stages).map { try self["noise.\($0)"] })
    }
}
