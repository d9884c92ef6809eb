import ECAREvaluation
import Files
import Foundation
import TestSupport
import Testing
import Torch

@Suite struct InceptionTests {
    let reference: HashedNetwork

    init() throws {
        reference = try HashedNetwork.shared.get()
    }

    /// The network, built once.
    private static let network = Result { () throws -> InceptionV3 in
        try InceptionV3(tensors: HashedNetwork.shared.get().tensors, digest: "d")
    }

    @Test(arguments: InceptionResize.allCases) func equalsOtherPrograms(_ resize: InceptionResize) throws {
        var network = try Self.network.get()
        network.resize = resize
        var found: [PictureFeatures] = []
        for size in reference.sizes { found.append(try network(hashedPicture(size))) }
        func compare(_ part: String, _ tensor: (PictureFeatures) -> Tensor?) throws {
            let rows = try Tensor.cat(found.compactMap(tensor), 0)
            try expectEqual(rows, reference.expected["\(resize.rawValue).\(part)"], tolerance: 1e-4, part)
        }
        try compare("features", \.features)
        try compare("spatial", \.spatial)
        try compare("probabilities", \.probabilities)
    }

    @Test func sizes() throws {
        let network = try Self.network.get()
        #expect(network.sizes == (2048, 2023, 1008))
        #expect(network.digest == "d" && network.device == .cpu)
        #expect(!network.isPublic && network.notes.contains { $0.contains("public") })
    }

    @Test func greyPicturesAndBatches() throws {
        let network = try Self.network.get()
        let grey = try hashedPicture("17x23").narrow(1, start: 0, length: 1)  // (1, 1, 17, 23)
        // More than are computed at a time, the last one another than the rest.
        let many = try Tensor.cat([grey.expand([16, 1, 17, 23]), grey.flip(3)], 0)
        let found = try network(many)
        #expect(found.features.shape == [17, 2048] && found.spatial?.shape == [17, 2023])
        #expect(found.probabilities?.shape == [17, 1008])
        let expected = try network(grey.expand([1, 3, 17, 23])).features
        try expectEqual(found.features.narrow(0, start: 15, length: 1), expected)
        #expect(try difference(found.features.narrow(0, start: 16, length: 1), expected) > 0.1)
    }

    @Test func otherPictures() throws {
        let network = try Self.network.get()
        for pictures in [
            try Tensor.zeros([1, 3, 8, 8]), try .zeros([3, 8, 8], dtype: .uint8),
            try .zeros([1, 4, 8, 8], dtype: .uint8), try .zeros([0, 3, 8, 8], dtype: .uint8),
            try .zeros([1, 3, 8, 0], dtype: .uint8),
        ] {
            #expect(throws: TorchError.self) { try network(pictures) }
        }
    }

    // MARK: State dictionaries

    @Test func wrappersNames() throws {
        var tensors: [String: Tensor] = [:]
        for (name, other) in reference.wrapped { tensors[other] = reference.tensors[name] }
        tensors["blocks.0.0.bn.num_batches_tracked"] = try Tensor([7])
        let network = try InceptionV3(tensors: tensors, digest: "")
        #expect(network.sizes == (2048, 2023, 0))
        #expect(network.notes.contains { $0.contains("no Inception Score") })
        let found = try network(hashedPicture(reference.sizes[0]))
        let expected = try reference.expected["tensorflow.features"].narrow(0, start: 0, length: 1)
        try expectEqual(found.features, expected)
        #expect(found.probabilities == nil)
    }

    struct Damage: CustomTestStringConvertible, Sendable {
        let words: String
        let change: @Sendable (inout [String: Tensor]) throws -> Void

        init(_ words: String, _ change: @escaping @Sendable (inout [String: Tensor]) throws -> Void) {
            (self.words, self.change) = (words, change)
        }

        var testDescription: String { words }
    }

    static let damages = [
        Damage("Conv2d_2a_3x3.bn.running_mean is missing") { $0["Conv2d_2a_3x3.bn.running_mean"] = nil },
        Damage("fc.weight has the shape [1000, 2048]") { $0["fc.weight"] = try .zeros([1000, 2048]) },
        Damage("fc.bias is missing") { $0["fc.bias"] = nil },
        Damage("Conv2d_1a_3x3.conv.weight has the shape [3, 5]") {
            $0["Conv2d_1a_3x3.conv.weight"] = try .zeros([3, 5])
        },
        Damage("Mixed_7c.branch_pool.bn.bias has entries that are NaN") {
            $0["Mixed_7c.branch_pool.bn.bias"] = try .full([192], .nan)
        },
        Damage("Mixed_5b.branch1x1.bn.running_var has negative") {
            $0["Mixed_5b.branch1x1.bn.running_var"] = try .full([64], -0.5)
        },
        Damage("Mixed_5b.branch1x1.bn.running_var has the shape [0]") {
            $0["Mixed_5b.branch1x1.bn.running_var"] = try .zeros([0])
        },
        Damage("extra.weight is unknown") { $0["extra.weight"] = try .zeros([2]) },
        Damage("Conv2d_1a_3x3.conv.weight is there twice") {
            $0["blocks.0.0.conv.weight"] = try .zeros([32, 3, 3, 3])
        },
    ]

    @Test(arguments: damages) func damagedTensors(_ damage: Damage) throws {
        var tensors = reference.tensors
        try damage.change(&tensors)
        let error = #expect(throws: TorchError.self) { try InceptionV3(tensors: tensors, digest: "") }
        #expect(error?.message.contains(damage.words) == true, "\(error?.message ?? "")")
    }

    // MARK: Files

    private func withFile(_ body: (URL) throws -> Void) throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("inception-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: url) }
        try body(url)
    }

    @Test func wholeFile() throws {
        try withFile { url in
            // Half precision, as some keep weights, and what training leaves behind.
            var tensors = try reference.tensors.mapValues { try $0.to(.float16) }
            tensors["Conv2d_1a_3x3.bn.num_batches_tracked"] = try Tensor([7])
            tensors["AuxLogits.fc.weight"] = try .zeros([1008, 768])
            // Scripts/convert_inception.py vouches for the public file by its digest.
            let metadata = ["source-sha256": "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"]
            let entries = tensors.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
            try SafeTensors.write(entries, metadata: metadata, to: url)
            let network = try InceptionV3.read(url, resize: .pytorchFID)
            #expect(network.resize == .pytorchFID && network.digest.count == 64)
            #expect(network.isPublic && network.notes.isEmpty)
            let found = try network(hashedPicture(reference.sizes[0])).features
            let expected = try reference.expected["pytorch-fid.features"].narrow(0, start: 0, length: 1)
            try expectEqual(found, expected, tolerance: 3e-3)
        }
    }

    private func expectError(_ url: URL, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation) {
        let error = #expect(throws: FileError.self, sourceLocation: sourceLocation) { try InceptionV3.read(url) }
        #expect(error?.file == url.path, sourceLocation: sourceLocation)
        for word in words {
            let text = error?.description ?? ""
            #expect(text.contains(word), "\(text)", sourceLocation: sourceLocation)
        }
    }

    @Test func otherFiles() throws {
        try withFile { url in
            expectError(url, "cannot be read", "pt_inception-2015-12-05-6726825d.pth", "Scripts/convert_inception.py")
            expectError(url, "cannot be read. \(InceptionV3.howToGetWeights)")
            let sentences = InceptionV3.howToGetWeights.components(separatedBy: ". ")
            #expect(sentences.count == 2 && sentences.allSatisfy { $0.split(separator: " ").count < 15 })
            #expect(sentences[1].contains("Documentation/evaluation.md") && sentences[1].hasSuffix("commands."))
            try Data([0x50, 0x4B, 3, 4, 0, 0, 0, 0, 0, 0]).write(to: url)
            expectError(url, "PyTorch", "Scripts/convert_inception.py")
            try Data("what is this?".utf8).write(to: url)
            expectError(url, "is not a valid safetensors file")
            try SafeTensors.write([("weight", .zeros([2]))], to: url)
            expectError(url, "Conv2d_1a_3x3.conv.weight is missing", "Download")
            try SafeTensors.write([("weight", .full([2], .infinity))], to: url)
            expectError(url, "the tensor weight has entries that are NaN or infinite")
        }
    }
}
