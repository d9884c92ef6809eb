import ECAR
import Foundation
import Testing
import Torch
import TorchNN

/// Numbers of PyTorch, written by Scripts/fixtures.py.
struct Fixture {
    let file: SafeTensors

    init(_ name: String) throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")
        file = try SafeTensors.read(folder.appendingPathComponent("\(name).safetensors"))
    }

    subscript(_ name: String) -> Tensor {
        get throws { try #require(file.tensors[name], "the fixture has no tensor \(name)") }
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

/// The largest absolute difference.
func difference(_ a: Tensor, _ b: Tensor) throws -> Double {
    try #require(a.shape == b.shape, "shapes \(a.shape) and \(b.shape)")
    return try (a.to(.float64) - b.to(.float64)).abs().max().item()
}

/// Expects agreement to 1e-5 of the largest entry.
func expectEqual(
    _ a: Tensor, _ b: Tensor, tolerance: Double = 1e-5, _ what: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let scale = try b.to(.float64).abs().max().item()
    let error = try difference(a, b) / max(scale, 1e-30)
    #expect(error <= tolerance, "\(what) differs by \(error) of its largest entry", sourceLocation: sourceLocation)
}
