import ArgumentParser
import ECAR
import ECARAutoencoder
import Foundation
import Torch

/// Which decoder turns a model's latents into pictures.
struct AutoencoderOptions: ParsableArguments {
    static let variable = "ECAR_AUTOENCODER"
    /// Beside the model's own files.
    private static let usualName = "autoencoder"

    @Option(
        help: ArgumentHelp(
            "For models of a latent space: its autoencoder. (default: `autoencoder` in the model's folder, then "
                + "$\(variable))", valueName: "file|dir"))
    var autoencoder: String?

    /// - Throws: `CommandError` where the model needs an autoencoder and none is given; `FileError` where it cannot be used.
    func open(for model: ModelDescription, in folder: URL, device: Device) throws -> any Autoencoder {
        guard model.latentSpace != .pixels else { return Identity(device: device) }
        let beside = folder.appendingPathComponent(Self.usualName)
        let named = autoencoder.map { URL(fileURLWithPath: $0) }
        let isBeside = FileManager.default.fileExists(atPath: beside.path)
        let set = ProcessInfo.processInfo.environment[Self.variable].flatMap {
            $0.isEmpty ? nil : URL(fileURLWithPath: $0)
        }
        guard let url = named ?? (isBeside ? beside : nil) ?? set else {
            throw CommandError.failure(
                "\(folder.path): the model makes \(model.latentSpace.rawValue) latents; give SDXL's autoencoder or TAESDXL "
                    + "(safetensors) with --autoencoder, or put it into the model's folder under the name "
                    + "\(Self.usualName)")
        }
        let autoencoder = try openAutoencoder(url, device: device)
        guard autoencoder.space == model.latentSpace else {
            throw CommandError.failure(
                "\(url.path): its latents are \(autoencoder.space.rawValue) ones, and the model's "
                    + "\(model.latentSpace.rawValue) ones")
        }
        return autoencoder
    }
}
