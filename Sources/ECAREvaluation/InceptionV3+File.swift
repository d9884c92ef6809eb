import Crypto
import ECAR
import Files
import Foundation
import Torch
import TorchNN

extension InceptionV3 {
    /// The public weights: their name at pytorch-fid, and their SHA-256, which Scripts/convert_inception.py checks.
    private static let publicFile = "pt_inception-2015-12-05-6726825d.pth"
    private static let publicDigest = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"

    /// What to do where there are no weights.
    public static let howToGetWeights = remedy + "."

    /// The same as errors of files have it, which put the full stop themselves.
    private static let remedy = """
        Download pytorch-fid's \(publicFile) (96 MB) and convert it with Scripts/convert_inception.py. \
        Documentation/evaluation.md has both commands
        """

    /// Weights of 24 million numbers take 192 MB at most; the files in circulation have little more.
    private static let largestFile = 512 << 20

    /// Reads the network from a safetensors file with the names of pytorch-fid's and torch-fidelity's weights, or those
    /// of pytorch-fid's wrapper (`blocks.0.0.conv.weight`, …), which lacks the last layer: then there are no
    /// probabilities, and no Inception Score.
    ///
    /// - Throws: `FileError` naming the file, and the tensor that is missing, unknown, of a wrong shape or not finite.
    public static func read(_ url: URL, resize: InceptionResize = .tensorflow, device: Device = .cpu) throws
        -> InceptionV3
    {
        guard let data = try? Data(contentsOf: url, options: .mappedIfSafe) else {
            throw FileError(url.path, "cannot be read", remedy: remedy)
        }
        guard data.count <= largestFile else {
            throw FileError(url.path, "is no Inception v3: it has \(data.count) bytes")
        }
        // PyTorch's files are zip archives, in former times plain pickles.
        guard !data.starts(with: [0x50, 0x4B, 3, 4]), !data.starts(with: [0x80, 2]) else {
            throw FileError(
                url.path, "is a file of PyTorch's own, not safetensors",
                remedy: "Convert it: python3 Scripts/convert_inception.py \(url.path) inception.safetensors")
        }
        let file = try SafeTensors.parse(data, name: url.path)
        let digest = SHA256.hash(data: data).hexadecimal
        do {
            return try InceptionV3(
                tensors: file.tensors, digest: digest, isPublic: file.metadata["source-sha256"] == publicDigest,
                resize: resize, device: device)
        } catch {
            throw FileError(url.path, "is no Inception v3 that can be used: \(error)", remedy: remedy)
        }
    }

    /// The network of a state dictionary with the names that ``read(_:resize:device:)`` knows.
    ///
    /// - Parameters:
    ///   - digest: SHA-256 of the file, in hexadecimal.
    ///   - isPublic: Whether these are known to be the public weights.
    /// - Throws: ``TorchError`` naming the tensor that is missing, unknown, of the wrong shape or not finite.
    public init(
        tensors: [String: Tensor], digest: String, isPublic: Bool = false, resize: InceptionResize = .tensorflow,
        device: Device = .cpu
    ) throws(TorchError) {
        let parameters = Parameters(.weights(try Self.arranged(tensors)))
        let isWrapper = tensors.keys.contains { $0.hasPrefix("blocks.") }
        try self.init(
            parameters, hasClasses: !isWrapper, digest: digest, isPublic: isPublic, resize: resize, device: device)
        if let unknown = parameters.unusedWeights.first { throw TorchError("the tensor \(unknown) is unknown") }
    }

    /// The modules of pytorch-fid's wrapper, by their numbers in it.
    private static let wrapped: [String: String] = {
        let blocks = [
            ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3"], ["Conv2d_3b_1x1", "Conv2d_4a_3x3"],
            ["5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e"].map { "Mixed_" + $0 },
            ["7a", "7b", "7c"].map { "Mixed_" + $0 },
        ]
        var names: [String: String] = [:]
        for (block, modules) in blocks.enumerated() {
            for (index, module) in modules.enumerated() { names["blocks.\(block).\(index)."] = module + "." }
        }
        return names
    }()

    /// The tensors that the network needs, checked and under their plain names.
    private static func arranged(_ tensors: [String: Tensor]) throws(TorchError) -> [String: Tensor] {
        var result: [String: Tensor] = [:]
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            // What training alone needs: a counter, and torchvision's second classifier.
            if name.hasSuffix(".num_batches_tracked") || name.hasPrefix("AuxLogits.") { continue }
            guard try tensor.isFinite() else {
                throw TorchError("the tensor \(name) has entries that are NaN or infinite")
            }
            if name.hasSuffix(".running_var"), tensor.count > 0, try (tensor.to(.float64) * -1).max().item() > 0 {
                throw TorchError("the tensor \(name) has negative entries")
            }
            var plain = name
            if let module = wrapped.first(where: { name.hasPrefix($0.key) }) {
                plain = module.value + name.dropFirst(module.key.count)
            }
            guard result.updateValue(tensor, forKey: plain) == nil else {
                throw TorchError("the tensor \(plain) is there twice, once under the name \(name)")
            }
        }
        return result
    }
}
