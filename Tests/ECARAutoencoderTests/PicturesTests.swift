import ECAR
import ECARAutoencoder
import ECARImages
import Files
import Foundation
import TestSupport
import Testing
import Torch

/// Pictures of bytes to latents in a model's scale, and back.
@Suite struct PicturesTests {
    private func bytes(_ shape: [Int]) throws -> Tensor {
        try (Tensor.rand(shape, generator: Generator(seed: 5)) * 256).to(.uint8)
    }

    @Test(arguments: [1, 3]) func pixelsStayAsTheyAre(_ channels: Int) throws {
        let pictures = try bytes([3, channels, 80, 72])
        let posterior = try Identity().posterior(pictures, latentScale: 1)
        #expect(posterior.logVariance == nil)
        let plain = try pictures.to(.float32) / 127.5 - 1
        #expect(try posterior.mean.bytes() == plain.bytes())
        let images = try Identity().pictures(plain, latentScale: 1)
        #expect(try images == plain.images())
        #expect(try images.flatMap(\.planes) == pictures.bytes())
    }

    @Test(arguments: ["kl", "halves"], [1, 0.13025, 0.5]) func scales(_ name: String, _ latentScale: Double) throws {
        let autoencoder = try openAutoencoder(fixtures.appendingPathComponent(name))
        let pictures = try bytes([2, 3, 32, 40])
        let posterior = try autoencoder.posterior(pictures, latentScale: latentScale)
        let own = try autoencoder.encode(pictures.to(.float32) / 127.5 - 1)
        let factor = latentScale / autoencoder.scale
        try expectEqual(posterior.mean / factor, own.mean)
        if factor == 1 { #expect(try posterior.mean.bytes() == own.mean.bytes()) }
        if let found = posterior.logVariance, let expected = own.logVariance {
            // The variance of a scaled number is that of the number times the square of the scale.
            try expectEqual((found * 0.5).exp(), (expected * 0.5).exp() * factor, tolerance: 1e-4)
        } else {
            #expect(posterior.logVariance == nil && own.logVariance == nil)
        }
        let images = try autoencoder.pictures(posterior.mean, latentScale: latentScale)
        let plain = try autoencoder.decode(own.mean).images()
        for (image, other) in zip(images, plain) {
            // Rounding may differ where scaling moved a value by its last digit.
            #expect(zip(image.pixels, other.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
        }
        #expect(images.map(\.width) == [40, 40] && images.map(\.height) == [32, 32])
    }

    @Test func manyPicturesAreThoseOfOneEach() throws {
        let autoencoder = try openAutoencoder(fixtures.appendingPathComponent("kl"))
        // Of pictures with 48×40 latents eight are seen at once, so nine need two rounds.
        let pictures = try bytes([9, 3, 384, 320])
        let all = try autoencoder.posterior(pictures, latentScale: 1)
        let last = try autoencoder.posterior(pictures.narrow(0, start: 8, length: 1), latentScale: 1)
        #expect(all.mean.shape == [9, 4, 48, 40])
        try expectEqual(all.mean.narrow(0, start: 8, length: 1), last.mean)
        try expectEqual(
            #require(all.logVariance).narrow(0, start: 8, length: 1), #require(last.logVariance))
        #expect(try autoencoder.pictures(all.mean, latentScale: 1).count == 9)
    }

    @Test func latentsMayTakePartInTraining() throws {
        let autoencoder = try openAutoencoder(fixtures.appendingPathComponent("kl"))
        let latents = try autoencoder.posterior(bytes([1, 3, 16, 16]), latentScale: 0.13025).mean
        let weight = try Tensor.full([2], 3).requiringGradient()
        let found = try gradients(of: [(latents.reshape([-1, 2]) * weight).square().sum()], with: [weight])
        #expect(try found[0].isFinite())
    }

    @Test func refuses() throws {
        let autoencoder = try openAutoencoder(fixtures.appendingPathComponent("halves"))
        for shape in [[1, 3, 20, 16], [1, 3, 0, 16], [3, 16, 16], [1, 1, 16, 16]] {
            #expect(throws: TorchError.self) { try autoencoder.posterior(bytes(shape), latentScale: 1) }
        }
        for shape in [[4, 4, 4], [1, 3, 4, 4]] {
            #expect(throws: TorchError.self) { try autoencoder.pictures(.zeros(shape), latentScale: 1) }
        }
        #expect(throws: FileError.self) { try autoencoder.pictures(.full([1, 4, 4, 4], .nan), latentScale: 1) }
    }
}
