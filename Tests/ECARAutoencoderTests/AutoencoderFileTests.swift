import ECARAutoencoder
import Files
import Foundation
import Testing
import Torch

/// Files that are no autoencoder must say so, and name what is wrong.
@Suite struct AutoencoderFileTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
    }

    private func expectError(_ url: URL, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation) {
        let error = #expect(throws: FileError.self, sourceLocation: sourceLocation) { try openAutoencoder(url) }
        for word in words + [url.lastPathComponent] {
            #expect(
                error?.description.contains(word) == true, "\(error?.description ?? "")", sourceLocation: sourceLocation
            )
        }
    }

    struct Damage: CustomTestStringConvertible, Sendable {
        let fixture: String
        let tensor: String

        var testDescription: String { fixture }
    }

    static let damages = [
        Damage(
            fixture: "kl/diffusion_pytorch_model.safetensors",
            tensor: "decoder.up_blocks.2.resnets.0.conv_shortcut.weight"
        ),
        Damage(fixture: "tiny/diffusion_pytorch_model.safetensors", tensor: "encoder.layers.7.conv.2.bias"),
        Damage(fixture: "halves/small_encoder.safetensors", tensor: "14.weight"),
        Damage(fixture: "halves/small_decoder.safetensors", tensor: "18.conv.4.bias"),
    ]

    @Test(arguments: damages) func tensors(_ damage: Damage) throws {
        try folder.copy("kl/config.json")
        let name = "diffusion_pytorch_model.safetensors"
        func tryOut(_ words: String, _ change: (inout [String: Tensor]) throws -> Void) throws {
            let file = try folder.write(damage.fixture, as: name, change)
            let error = #expect(throws: FileError.self) { try openAutoencoder(folder.url) }
            let message = error?.description ?? ""
            #expect(error?.file == file.path && message.contains(words), "\(message)")
        }
        try tryOut("\(damage.tensor) is missing") { $0[damage.tensor] = nil }
        try tryOut("extra.weight is unknown") { $0["extra.weight"] = try .zeros([2]) }
        try tryOut("\(damage.tensor) has the shape [3, 5]") { $0[damage.tensor] = try .zeros([3, 5]) }
        try tryOut("\(damage.tensor) has entries that are NaN") { tensors in
            tensors[damage.tensor] = try #require(tensors[damage.tensor]) * Double.nan
        }
    }

    @Test func namesUnderBothNamings() throws {
        let file = try folder.write("kl-old/diffusion_pytorch_model.fp16.safetensors", as: "both.safetensors") {
            tensors in
            tensors["encoder.mid_block.attentions.0.to_q.bias"] = try .zeros([8])
        }
        try folder.copy("kl/config.json")
        let error = #expect(throws: FileError.self) { try openAutoencoder(folder.url) }
        #expect(error?.description.contains("to_q.bias is there twice") == true)
        #expect(error?.file == file.path)
    }

    @Test func otherFiles() throws {
        expectError(folder.url.appendingPathComponent("none.safetensors"), "does not exist")
        expectError(folder.url, "holds no .safetensors files")
        let file = folder.url.appendingPathComponent("a.safetensors")
        try Data("what is this?".utf8).write(to: file)
        expectError(file, "is not a valid safetensors file")
        try SafeTensors.write([("weight", .zeros([2]))], to: file)
        expectError(file, "no autoencoder of a known kind", "SDXL")
        // A first convolution alone makes the file one that claims to be an encoder.
        try SafeTensors.write([("0.weight", .zeros([]))], to: file)
        expectError(file, "no autoencoder of a known kind")
    }

    @Test func halvesThatAreNone() throws {
        try folder.copy("halves/small_encoder.safetensors", as: "a.safetensors")
        try folder.copy("halves/small_encoder.safetensors", as: "b.safetensors")
        let error = #expect(throws: FileError.self) { try openAutoencoder(folder.url) }
        #expect(error?.description.contains("b.safetensors is not the other half of a.safetensors") == true)
        try folder.copy("halves/small_decoder.safetensors", as: "c.safetensors")
        expectError(folder.url, "holds 3 .safetensors files")
    }

    static let configurations = [
        (#""norm_num_groups": 2"#, #""norm_num_groups": 3"#, "a width of 4"),
        (#""norm_num_groups": 2"#, #""norm_num_groups": 0"#, "0 groups"),
        (#""layers_per_block": 1"#, #""layers_per_block": 1000000000"#, "1000000000 layers"),
        (#""layers_per_block": 1"#, #""layers_per_block": 1e30"#, "no configuration"),
        (#""layers_per_block": 1"#, #""layers_per_block": 2"#, "is missing"),
        (#""act_fn": "silu""#, #""act_fn": "relu""#, "the activation relu"),
        ("0.13025", "0.18215", "the scaling factor 0.18215"),
        ("    8\n", "    8, 8\n", "5 sizes"),
        ("    4,\n", "    8192,\n", "a width of 8192"),
        ("    4,\n", "    -4,\n", "a width of -4"),
        ("{", "[", "no configuration"),
    ]

    @Test(arguments: configurations) func configuration(_ old: String, _ new: String, _ words: String) throws {
        try folder.copy("kl/diffusion_pytorch_model.safetensors")
        let text = try String(contentsOf: fixtures.appendingPathComponent("kl/config.json"), encoding: .utf8)
        let changed = text.replacingOccurrences(of: old, with: new)
        #expect(changed != text)
        try Data(changed.utf8).write(to: folder.url.appendingPathComponent("config.json"))
        let error = #expect(throws: FileError.self) { try openAutoencoder(folder.url) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test func readsDoublesAsWell() throws {
        try folder.copy("kl/config.json")
        _ = try folder.write("kl/diffusion_pytorch_model.safetensors", as: "f64.safetensors") { tensors in
            tensors = try tensors.mapValues { try $0.to(.float64) }
        }
        let expected = try Expectation(fixtures.appendingPathComponent("kl.safetensors"))
        try expected.check(openAutoencoder(folder.url))
    }
}
