import Crypto
import Files
import Foundation
import Torch
import TorchNN

/// `config.json` of a model directory: all there is to say about a model besides its weights.
public struct ModelDescription: Codable, Sendable, Equatable {
    public var architecture: ModelConfiguration
    public var latentSpace: LatentSpace
    /// The model's latents are the space's own times this.
    public var latentScale: Double
    /// One name a class.
    public var classNames: [String]
    /// The settings that the model is meant to be sampled with.
    public var sampling: SamplingSettings
    /// Where the weights come from: data, command, steps, date, …
    public var training: [String: String]

    public init(
        architecture: ModelConfiguration, latentSpace: LatentSpace = .pixels, latentScale: Double = 1,
        classNames: [String], sampling: SamplingSettings, training: [String: String] = [:]
    ) {
        self.architecture = architecture
        self.latentSpace = latentSpace
        self.latentScale = latentScale
        self.classNames = classNames
        self.sampling = sampling
        self.training = training
    }

    public func validate() throws(ECARError) {
        try architecture.validate()
        try sampling.validate(stages: architecture.stages)
        guard classNames.count == architecture.classes else {
            throw ECARError(
                "model configuration: \(classNames.count) class names for \(architecture.classes) classes")
        }
        guard latentSpace.channels.contains(architecture.channels) else {
            throw ECARError(
                "model configuration: \(architecture.channels) channels are not those of the latent space "
                    + "\(latentSpace.rawValue)")
        }
        guard latentScale > 0, latentScale.isFinite, latentSpace != .pixels || latentScale == 1 else {
            throw ECARError("model configuration: the latentScale of \(latentSpace.rawValue) cannot be \(latentScale)")
        }
    }
}

extension ModelDescription {
    /// The side of every stage's picture, in pixels.
    public var pictureSides: [Int] { architecture.sides.map { $0 * latentSpace.reduction } }

    /// The channels of the pictures: grey or colour.
    public var pictureChannels: Int { latentSpace.pictureChannels(latentChannels: architecture.channels) }
}

/// A directory that holds a model: `config.json` and `model.safetensors`.
public struct ModelDirectory {
    public let description: ModelDescription
    public let model: ECARModel
    /// SHA-256 over both files, in hexadecimal: what an image's metadata names the model by.
    public let digest: String

    static let configurationFile = "config.json"
    static let weightsFile = "model.safetensors"

    // MARK: Reading

    /// Loads a model for sampling.
    ///
    /// - Throws: ``ECARError`` or `FileError` naming the file and what is wrong with it: a missing file, an unknown key, a tensor that is
    ///   missing, superfluous, of the wrong shape or not finite.
    public static func load(_ url: URL, device: Device = .cpu, precision: Precision = .f32) throws -> ModelDirectory {
        let configuration = try read(url, configurationFile)
        let description = try decode(configuration, in: url)
        let file = url.appendingPathComponent(weightsFile)
        let bytes = try read(url, weightsFile)
        let weights = try SafeTensors.parse(bytes, name: file.path).tensors
        let model: ECARModel
        do {
            for (name, tensor) in weights.sorted(by: { $0.key < $1.key }) where try !tensor.isFinite() {
                throw TorchError("the tensor \(name) has entries that are NaN or infinite")
            }
            model = try ECARModel(
                description.architecture,
                Parameters(.weights(weights), device: device, matrixType: precision.weightType))
        } catch let error as TorchError {
            throw ECARError("\(file.path): \(error)")
        }
        return ModelDirectory(description: description, model: model, digest: digest(configuration, bytes))
    }

    /// Reads a model's `config.json` alone.
    public static func readDescription(_ url: URL) throws -> ModelDescription {
        try decode(read(url, configurationFile), in: url)
    }

    private static func decode(_ data: Data, in url: URL) throws -> ModelDescription {
        let name = url.appendingPathComponent(configurationFile).path
        let description = try StrictJSON.decode(ModelDescription.self, from: data, name: name)
        do {
            try description.validate()
        } catch {
            throw ECARError("\(name): \(error)")
        }
        return description
    }

    private static func read(_ url: URL, _ file: String) throws -> Data {
        let path = url.appendingPathComponent(file)
        do {
            return try Data(contentsOf: path, options: .mappedIfSafe)
        } catch {
            throw ECARError("\(url.path): not a model directory: \(file) cannot be read")
        }
    }

    private static func digest(_ parts: Data...) -> String {
        var hash = SHA256()
        for part in parts { hash.update(data: part) }
        return hash.finalize().hexadecimal
    }

    // MARK: Writing

    /// Writes a model, `config.json` last; each file appears whole or not at all.
    ///
    /// - Parameters:
    ///   - tensors: The weights by name, usually their running average.
    ///   - dtype: The type to store them in.
    public static func save(
        _ description: ModelDescription, tensors: [(String, Tensor)], dtype: DType = .float32, to url: URL
    ) throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        let stored = try tensors.map { ($0, try $1.to(dtype)) }
        try SafeTensors.write(stored, to: url.appendingPathComponent(weightsFile))
        try writeAtomically(StrictJSON.encode(description), to: url.appendingPathComponent(configurationFile))
    }
}
