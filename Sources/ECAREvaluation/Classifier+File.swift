import Crypto
import ECAR
import Files
import Foundation
import Torch
import TorchNN

/// A classifier's folder: `config.json` and `model.safetensors`.
extension Classifier {
    static let configurationFile = "config.json"
    static let weightsFile = "model.safetensors"

    /// Whether a folder is there and holds a configuration, be it damaged or of something else: ``load(_:device:)`` tells.
    public static func exists(at url: URL) -> Bool {
        FileManager.default.fileExists(atPath: url.appendingPathComponent(configurationFile).path)
    }

    /// Whether a folder looks like a classifier's, and not like that of a model that makes pictures.
    public static func isIn(_ url: URL) -> Bool {
        guard let data = try? Data(contentsOf: url.appendingPathComponent(configurationFile)) else { return false }
        return (try? JSONDecoder().decode(ClassifierConfiguration.self, from: data)) != nil
    }

    /// Loads a classifier.
    ///
    /// - Throws: `ECARError` or `FileError` naming the file and what is wrong with it: a missing file, an unknown key, a
    ///   tensor that is missing, superfluous, of the wrong shape or not finite.
    public static func load(_ url: URL, device: Device = .cpu) throws -> Classifier {
        let file = url.appendingPathComponent(weightsFile)
        func read(_ name: String) throws -> Data {
            guard let data = try? Data(contentsOf: url.appendingPathComponent(name), options: .mappedIfSafe) else {
                throw ECARError("\(url.path): not a classifier's folder: \(name) cannot be read")
            }
            return data
        }
        let (json, bytes) = (try read(configurationFile), try read(weightsFile))
        let name = url.appendingPathComponent(configurationFile).path
        let configuration = try StrictJSON.decode(ClassifierConfiguration.self, from: json, name: name)
        do {
            try configuration.validate()
        } catch {
            throw ECARError("\(name): \(error)")
        }
        let weights = try SafeTensors.parse(bytes, name: file.path).tensors
        var hash = SHA256()
        for part in [json, bytes] { hash.update(data: part) }
        do {
            for (name, tensor) in weights.sorted(by: { $0.key < $1.key }) where try !tensor.isFinite() {
                throw TorchError("the tensor \(name) has entries that are NaN or infinite")
            }
            return try Classifier(
                configuration, Parameters(.weights(weights), device: device), digest: hash.finalize().hexadecimal)
        } catch let error as TorchError {
            throw ECARError("\(file.path): \(error)")
        }
    }

    /// Writes a classifier, `config.json` last; each file appears whole or not at all.
    ///
    /// - Parameter tensors: The weights in the order of ``parameters``, usually their running average; stored in bfloat16.
    public static func save(
        _ configuration: ClassifierConfiguration, names: [String], tensors: [Tensor], to url: URL
    ) throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        let stored = try zip(names, tensors).map { ($0, try $1.to(.bfloat16)) }
        try SafeTensors.write(stored, to: url.appendingPathComponent(weightsFile))
        try writeAtomically(StrictJSON.encode(configuration), to: url.appendingPathComponent(configurationFile))
    }
}
