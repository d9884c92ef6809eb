import ECARAutoencoder
import ECARImages
import Foundation
import Testing
import Torch

/// The real weights and photographs, where they lie beside the project.
private let data = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/data")

@Suite(
    .enabled(
        if: FileManager.default.fileExists(atPath: data.path),
        "The folder ../shared/data is not beside the project, so TAESDXL is not tried on photographs."))
struct PhotographTests {
    /// Of the first 24 photographs, by Benchmarks/autoencoder_psnr.py with PyTorch.
    static let expected = 24.869

    @Test func reconstructs() throws {
        let autoencoder = try openAutoencoder(data.appendingPathComponent("taesdxl"))
        let photographs = try openDataset(data.appendingPathComponent("imagenet/imagenet_samples_256.tar"))
        var sum = 0.0
        for index in 0..<24 {
            let planes = try photographs.image(index).planes
            let pixels = try Tensor(bytes: planes, shape: [1, 3, 256, 256], dtype: .uint8)
            let latents = try autoencoder.posterior(pixels, latentScale: autoencoder.scale).mean  // (1, 4, 32, 32)
            let decoded = try Runtime.inference { try autoencoder.decode(latents) }
            let error = try pixels.to(.float32) / 255 - (decoded * 0.5 + 0.5).clamp(0...1)  // (1, 3, 256, 256)
            sum -= 10 * log10(try error.square().mean().item())
        }
        #expect(abs(sum / 24 - Self.expected) < 0.05, "the mean PSNR is \(sum / 24) dB")
    }
}
