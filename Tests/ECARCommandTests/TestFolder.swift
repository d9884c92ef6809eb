import ECAR
import ECARImages
import ECARTraining
import Foundation
import Testing
import Torch
import TorchNN

/// A temporary folder, gone with this object.
final class TestFolder: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("ecar-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    subscript(_ name: String) -> URL { url.appendingPathComponent(name) }

    /// What a user would see.
    var visibleNames: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted()
    }
}

/// Small things to train and sample: three classes of grey 32×32 pictures.
enum Sample {
    static let classNames = ["ankle boot", "sandal", "sneaker"]

    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let changes = [
        "model.classes=3", "model.arDepth=1", "batchSize=4", "steps=12", "checkpointEvery=5", "sampleEvery=6",
        "logEvery=1",
    ]

    /// `Configs/tiny.json`, made smaller still.
    static func configuration(_ more: [String] = []) throws -> TrainingConfiguration {
        let file = root.appendingPathComponent("Configs/tiny.json")
        return try .read(file, changes: changes + more)
    }

    /// Writes four pictures of each class into class folders.
    static func writePictures(_ url: URL) throws {
        for (label, name) in classNames.enumerated() {
            let folder = url.appendingPathComponent(name)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for index in 0..<4 {
                let pixels = (0..<1024).map { UInt8(truncatingIfNeeded: ($0 % 32) * (label + 1) * 4 + index * 9) }
                try Image(width: 32, height: 32, channels: 1, pixels: pixels)
                    .write(to: folder.appendingPathComponent("\(index).png"))
            }
        }
    }

    /// Writes an untrained model, whose last layers are not zero as they would be at the start of training.
    static func writeModel(_ url: URL) throws {
        let configuration = try configuration()
        let parameters = try Parameters(.fresh(Generator(seed: 1)))
        let model = try ECARModel(configuration.model, parameters)
        let generator = try Generator(seed: 2)
        let tensors = try zip(parameters.names, model.parameters.tensors).map { name, tensor in
            (name, try tensor + Tensor.randn(tensor.shape, generator: generator) * 0.05)
        }
        let description = ModelDescription(
            architecture: configuration.model, classNames: classNames, sampling: configuration.sampling,
            training: ["data": "none"])
        try ModelDirectory.save(description, tensors: tensors, to: url)
    }
}
