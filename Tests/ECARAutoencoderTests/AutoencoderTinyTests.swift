import ECAR
import ECARAutoencoder
import Foundation
import TestSupport
import Testing
import Torch

/// TAESDXL against diffusers' network, whose fixture script checks the author's own against it.
@Suite struct AutoencoderTinyTests {
    static let places = [
        "tiny", "tiny/diffusion_pytorch_model.safetensors", "halves", "halves/small_encoder.safetensors",
        "halves/small_decoder.safetensors",
    ]

    @Test("both namings, files and folders", arguments: places) func parity(_ place: String) throws {
        let autoencoder = try openAutoencoder(fixtures.appendingPathComponent(place))
        #expect(autoencoder.space == .sdxl)
        #expect(autoencoder.scale == LatentSpace.sdxl.usualScale)
        try Expectation(fixtures.appendingPathComponent("tiny.safetensors")).check(autoencoder)
    }

    @Test func isTheSameWhicheverHalfIsNamed() throws {
        let names = try ["", "/small_encoder.safetensors", "/small_decoder.safetensors"].map {
            try openAutoencoder(fixtures.appendingPathComponent("halves" + $0)).identity
        }
        #expect(Set(names).count == 1)
        #expect(names[0].hasPrefix("taesdxl-") && names[0].count == 24)
    }

    @Test func worksWithOneHalf() throws {
        let expected = try Expectation(fixtures.appendingPathComponent("tiny.safetensors"))
        let folder = try TestFolder()
        let encoder = try openAutoencoder(folder.copy("halves/small_encoder.safetensors"))
        try expectEqual(encoder.encode(expected["pictures.0"]).mean, expected["mean.0"])
        var error = #expect(throws: TorchError.self) { try encoder.decode(expected["latents.0"]) }
        #expect(error?.message.contains("cannot decode") == true)

        let decoder = try openAutoencoder(folder.copy("halves/small_decoder.safetensors", as: "small.safetensors"))
        try expectEqual(decoder.decode(expected["latents.0"]), expected["decoded.0"])
        error = #expect(throws: TorchError.self) { try decoder.encode(expected["pictures.0"]) }
        #expect(error?.message.contains("cannot encode") == true)
    }
}
