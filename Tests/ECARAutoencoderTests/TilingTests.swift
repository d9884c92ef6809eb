import ECAR
import ECARAutoencoder
import Foundation
import TestSupport
import Testing
import Torch

/// Enlarges and shrinks eightfold, and looks no further than a latent.
private struct Blocks: Autoencoder {
    let space = LatentSpace.sdxl
    let scale = 1.0
    let device = Device.cpu
    let identity = "blocks"

    func encode(_ pictures: Tensor) throws(TorchError) -> Posterior {
        let mean = try pictures.meanPooled(8, stride: 8)
        return Posterior(mean: mean, logVariance: try mean * 2)
    }

    func decode(_ latents: Tensor) throws(TorchError) -> Tensor {
        try latents.upsampled2x2().upsampled2x2().upsampled2x2()
    }
}

@Suite struct TilingTests {
    static let sizes = [(64, 64), (65, 64), (63, 66), (64, 113), (112, 160), (97, 100), (1, 300)]

    @Test(arguments: sizes) func putsTilesTogether(_ height: Int, _ width: Int) throws {
        let latents = try Tensor.randn([1, 4, height, width], generator: Generator(seed: 2))
        let whole = try Blocks().decode(latents)
        try expectEqual(Tiling.usual.decode(latents, with: Blocks()), whole, tolerance: 1e-6)
        let posterior = try Tiling.usual.encode(whole, with: Blocks())
        try expectEqual(posterior.mean, latents, tolerance: 1e-6)
        try expectEqual(#require(posterior.logVariance), latents * 2, tolerance: 1e-6)
    }

    @Test(arguments: [(8, 7), (8, 1), (2, 1), (0, 0), (5, 90)]) func otherTiles(_ side: Int, _ overlap: Int) throws {
        let latents = try Tensor.randn([2, 4, 21, 30], generator: Generator(seed: 3))
        let tiled = try Tiling(side: side, overlap: overlap).decode(latents, with: Blocks())
        try expectEqual(tiled, Blocks().decode(latents), tolerance: 1e-6)
    }

    @Test func refuses() throws {
        #expect(throws: TorchError.self) { try Tiling.usual.decode(.zeros([4, 80, 80]), with: Blocks()) }
        #expect(throws: TorchError.self) { try Tiling.usual.encode(.zeros([1, 3, 800, 804]), with: Blocks()) }
    }

    @Test func isNearlyTheWhole() throws {
        let autoencoder = try openAutoencoder(fixtures.appendingPathComponent("halves"))
        let latents = try Tensor.randn([1, 4, 72, 100], generator: Generator(seed: 4))
        let (tiled, whole) = (try Tiling.usual.decode(latents, with: autoencoder), try autoencoder.decode(latents))
        try expectEqual(tiled, whole, tolerance: 0.025)
        // Far from every seam, nothing is seen of the tiles' borders: the first tile's upper left corner.
        let corner = try [tiled, whole].map { try $0.narrow(2, start: 0, length: 32).narrow(3, start: 0, length: 200) }
        try expectEqual(corner[0], corner[1])
    }
}
