import ECARAutoencoder
import Foundation
import TestSupport
import Testing
import Torch

private let fullSize = ProcessInfo.processInfo.environment["ECAR_FULL_AUTOENCODER"]

/// SDXL's autoencoder against diffusers'.
@Suite struct AutoencoderKLTests {
    @Test("both namings of the attention", arguments: ["kl", "kl-old"]) func parity(_ folder: String) throws {
        let autoencoder = try openAutoencoder(fixtures.appendingPathComponent(folder))
        #expect(autoencoder.space == .sdxl)
        #expect(autoencoder.scale == 1)
        try Expectation(fixtures.appendingPathComponent("kl.safetensors")).check(autoencoder)
    }

    @Test func clampsTheVariances() throws {
        let autoencoder = try openAutoencoder(fixtures.appendingPathComponent("kl"))
        let pictures = try Expectation(fixtures.appendingPathComponent("kl.safetensors"))["pictures.0"]
        let variances = try #require(try autoencoder.encode(pictures).logVariance)
        // The fixture's biases drive the first two channels far out of the range.
        #expect(try difference(variances.narrow(1, start: 0, length: 1), .full([2, 1, 4, 6], 20)) == 0)
        #expect(try difference(variances.narrow(1, start: 1, length: 1), .full([2, 1, 4, 6], -30)) == 0)
    }

    @Test func isNamedByItsWeights() throws {
        let folder = try TestFolder()
        let other = try folder.write("kl/diffusion_pytorch_model.safetensors", as: "other.safetensors") { tensors in
            let name = "encoder.conv_in.bias"
            tensors[name] = try #require(tensors[name]) + 1
        }
        try folder.copy("kl/config.json")
        let names = try [fixtures.appendingPathComponent("kl"), folder.url].map { try openAutoencoder($0).identity }
        #expect(Set(names).count == 2)
        #expect(names.allSatisfy { $0.hasPrefix("sdxl-") && $0.count == 21 })
        try FileManager.default.removeItem(at: other)
        try folder.copy("kl/diffusion_pytorch_model.safetensors")
        #expect(try openAutoencoder(folder.url).identity == names[0])
    }

    @Test(
        .enabled(
            if: fullSize != nil,
            "ECAR_FULL_AUTOENCODER names no folder of `autoencoder_fixtures.py --full`, so SDXL's size is not tried."))
    func fullSizeParity() throws {
        let folder = URL(fileURLWithPath: try #require(fullSize))
        let expected = try Expectation(folder.appendingPathComponent("kl.safetensors"))
        try expected.check(openAutoencoder(folder.appendingPathComponent("kl")))
        try expected.check(openAutoencoder(folder.appendingPathComponent("kl/diffusion_pytorch_model.safetensors")))
    }
}
