import ECAR
import Files
import Foundation
import Torch

extension AutoencoderKL {
    /// Whether the names of a file's tensors are those that diffusers gives this autoencoder's.
    static func isIn(_ file: AutoencoderFile) -> Bool {
        file.tensors.keys.contains { $0.hasPrefix("encoder.down_blocks.") || $0.hasPrefix("decoder.up_blocks.") }
    }

    /// The autoencoder of a file.
    ///
    /// - Parameter folder: Where diffusers' `config.json` may lie; without it the sizes are SDXL's.
    /// - Throws: `FileError` naming what is wrong with which of the two.
    static func read(_ file: AutoencoderFile, folder: URL?, device: Device) throws -> AutoencoderKL {
        let configuration = try folder.map(configuration) ?? .sdxl
        return try file.build(device, arranged: arranged) { (parameters) throws(TorchError) in
            try AutoencoderKL(configuration, parameters, identity: "sdxl-" + AutoencoderFile.digest([file]))
        }
    }

    private static func configuration(_ folder: URL) throws -> Configuration {
        let url = folder.appendingPathComponent("config.json")
        guard FileManager.default.fileExists(atPath: url.path) else { return .sdxl }
        do {
            let configuration = try JSONDecoder().decode(Configuration.self, from: Data(contentsOf: url))
            try configuration.validate()
            return configuration
        } catch let error as ECARError {
            throw FileError(url.path, "asks for \(error)")
        } catch {
            throw FileError(
                url.path, "is no configuration of an AutoencoderKL",
                remedy: "Keep the config.json that diffusers wrote beside the weights")
        }
    }

    /// The tensors under diffusers' present names, given those or older ones, under which the attention's parts may be
    /// convolutions of one pixel.
    private static func arranged(_ tensors: [String: Tensor]) throws(TorchError) -> [String: Tensor] {
        let parts = ["query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"]
        var result: [String: Tensor] = [:]
        for (name, tensor) in tensors {
            var (words, tensor) = (name.components(separatedBy: "."), tensor)
            if words.contains("attentions") {
                words = words.map { parts[$0] ?? $0 }
                let shape = tensor.shape
                if shape.count == 4, shape[2...] == [1, 1] { tensor = try tensor.reshape([shape[0], shape[1]]) }
            }
            let present = words.joined(separator: ".")
            guard result.updateValue(tensor, forKey: present) == nil else {
                throw TorchError("the tensor \(present) is there twice, once under an older name")
            }
        }
        return result
    }
}
