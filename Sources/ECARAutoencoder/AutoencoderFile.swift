import Crypto
import ECAR
import Files
import Foundation
import Torch
import TorchNN

/// Opens an autoencoder of SDXL's latents, known by the names of its tensors; it computes in float32.
///
/// - Parameter url: a `.safetensors` file, of which an encoder or a decoder alone is joined by the other half where that
///   lies beside it; or a folder that holds such a file or two halves, among them those that diffusers writes.
/// - Throws: `FileError` naming the file, and the tensor that is missing, unknown, of the wrong shape or not finite.
public func openAutoencoder(_ url: URL, device: Device = .cpu) throws -> any Autoencoder {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
        throw FileError(url.path, "does not exist")
    }
    let files = try isFolder.boolValue ? AutoencoderFile.inside(url) : AutoencoderFile.withOtherHalf(url)
    if files.count == 1, AutoencoderKL.isIn(files[0]) {
        return try AutoencoderKL.read(files[0], folder: isFolder.boolValue ? url : nil, device: device)
    }
    return try AutoencoderTiny(files, device: device)
}

/// A safetensors file with the weights of an autoencoder, or of half of one.
struct AutoencoderFile {
    let url: URL
    let bytes: Data
    let tensors: [String: Tensor]

    init(_ url: URL) throws {
        guard let bytes = try? Data(contentsOf: url, options: .mappedIfSafe) else {
            throw FileError(url.path, "cannot be read")
        }
        (self.url, self.bytes) = (url, bytes)
        tensors = try SafeTensors.parse(bytes, name: url.path).tensors
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) where try !tensor.isFinite() {
            throw FileError(
                url.path, "is no autoencoder that can be used: the tensor \(name) has entries that are NaN or infinite")
        }
    }

    /// What `body` makes of the tensors, all of which it must ask for.
    ///
    /// - Parameter arranged: Gives the tensors the names and shapes that `body` asks for.
    func build<Value>(
        _ device: Device, arranged: ([String: Tensor]) throws(TorchError) -> [String: Tensor] = { $0 },
        _ body: (Parameters) throws(TorchError) -> Value
    ) throws(FileError) -> Value {
        do {
            let parameters = Parameters(.weights(try arranged(tensors)), device: device)
            let value = try body(parameters)
            if let unknown = parameters.unusedWeights.first { throw TorchError("the tensor \(unknown) is unknown") }
            return value
        } catch {
            throw FileError(url.path, "is no autoencoder that can be used: \(error)")
        }
    }

    /// Names the weights: the first 16 digits of the SHA-256 of all files.
    static func digest(_ files: [AutoencoderFile]) -> String {
        var hash = SHA256()
        for file in files { hash.update(data: file.bytes) }
        return String(hash.finalize().hexadecimal.prefix(16))
    }

    // MARK: Finding

    private static let ending = ".safetensors"

    /// The files that make the autoencoder of a folder.
    static func inside(_ folder: URL) throws -> [AutoencoderFile] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else {
            throw FileError(folder.path, "cannot be listed")
        }
        // diffusers may leave the same weights in several types.
        let usual = ["", ".fp16"].map { "diffusion_pytorch_model\($0)\(ending)" }.first(where: names.contains)
        let found = usual.map { [$0] } ?? names.filter { $0.hasSuffix(ending) && !$0.hasPrefix(".") }.sorted()
        guard 1...2 ~= found.count else {
            throw FileError(
                folder.path, "holds \(found.isEmpty ? "no" : "\(found.count)") \(ending) files",
                remedy: "Give the file of an autoencoder, or a folder with one or with its two halves")
        }
        return try found.map { try AutoencoderFile(folder.appendingPathComponent($0)) }
    }

    /// A file, and the other half of its autoencoder where the two names differ in the words encoder and decoder.
    static func withOtherHalf(_ url: URL) throws -> [AutoencoderFile] {
        let file = try AutoencoderFile(url)
        let (hasEncoder, hasDecoder) = (TinyNaming.encoder(in: file) != nil, TinyNaming.decoder(in: file) != nil)
        guard hasEncoder != hasDecoder else { return [file] }
        var name = url.lastPathComponent
        let (word, otherWord) = hasEncoder ? ("encoder", "decoder") : ("decoder", "encoder")
        guard let range = name.range(of: word, options: .backwards) else { return [file] }
        name.replaceSubrange(range, with: otherWord)
        let other = url.deletingLastPathComponent().appendingPathComponent(name)
        guard FileManager.default.fileExists(atPath: other.path) else { return [file] }
        return [file, try AutoencoderFile(other)]
    }
}
