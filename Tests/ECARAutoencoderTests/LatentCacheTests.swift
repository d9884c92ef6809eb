import ECAR
import ECARAutoencoder
import ECARImages
import Files
import Foundation
import Testing
import Torch

/// What a finished cache holds.
@Suite struct LatentCacheTests {
    private let folder: TemporaryFolder
    private let cache: URL
    private var maker = CacheMaker()

    init() throws {
        folder = try TemporaryFolder()
        cache = folder["cache"]
    }

    /// The latents of one picture, encoded by itself without any of the cache's code.
    private func expected(_ index: Int, mirrored: Bool) throws -> (mean: [Float], logVariance: [Float]) {
        let picture = try maker.pictures.image(index).croppedSquare().resized(width: 16, height: 16)
        var x = try Tensor(picture.planes.map { Float($0) / 127.5 - 1 }, shape: [1, 3, 16, 16])
        if mirrored { x = try x.flip(3) }
        let posterior = try maker.autoencoder.encode(x)
        let scale = LatentSpace.sdxl.usualScale
        let mean = try (posterior.mean * scale).floats()
        let logVariance = try posterior.logVariance?.floats() ?? []
        return (mean, logVariance.map { $0 + 2 * Float(log(scale)) })
    }

    @Test(arguments: [true, false], [true, false])
    func latentsAreThoseOfEncodingDirectly(isMirrored: Bool, hasLogVariance: Bool) throws {
        var maker = maker
        maker.settings.isMirrored = isMirrored
        maker.autoencoder.hasLogVariance = hasLogVariance
        #expect(try maker.make(cache) == .finished)
        let opened = try LatentCache(cache)
        #expect(opened.count == 23)
        #expect(opened.classNames == ["a", "b", "c"])
        #expect((0..<23).map(opened.label) == (0..<23).map(maker.pictures.label))
        #expect(opened.manifest.shape == [4, 2, 2])
        #expect(opened.manifest.shards.map(\.pictures) == [8, 8, 7])

        var items = (0..<23).reversed().map { (index: $0, mirrored: false) }
        if isMirrored { items += [5, 22, 5, 0].map { (index: $0, mirrored: true) } }
        let posterior = try opened.posterior(items)
        #expect(posterior.mean.shape == [items.count, 4, 2, 2])
        #expect(posterior.mean.dtype == .float32)
        #expect((posterior.logVariance != nil) == hasLogVariance)
        let means = try posterior.mean.floats()
        let logVariances = try posterior.logVariance?.floats() ?? []
        for (place, item) in items.enumerated() {
            let expected = try expected(item.index, mirrored: item.mirrored)
            for i in 0..<16 {
                // A float16's last bit, and the order of a sum.
                #expect(abs(means[place * 16 + i] - expected.mean[i]) < 2e-4)
                guard hasLogVariance else { continue }
                #expect(abs(logVariances[place * 16 + i] - expected.logVariance[i]) < 4e-3)
            }
        }
        if !isMirrored { #expect(throws: FileError.self) { try opened.posterior([(0, true)]) } }
        for index in [-1, 23] { #expect(throws: FileError.self) { try opened.posterior([(index, false)]) } }
    }

    @Test func variancesCanBeLeftOut() throws {
        var maker = maker
        maker.settings.keepsLogVariance = false
        try maker.make(cache)
        #expect(try LatentCache(cache).posterior([(1, true)]).logVariance == nil)
    }

    @Test func pixelsAreLatentsToo() throws {
        var settings = LatentEncoder.Settings(side: 12)
        settings.fit = .pad
        let encoder = try LatentEncoder(
            FakePictures(count: 2), source: .init(name: "p", split: nil, pictures: 2), autoencoder: Identity(),
            settings: settings)
        #expect(try encoder.encode(into: encoder.open(cache)) == .finished)
        let opened = try LatentCache(cache)
        #expect(opened.manifest.shape == [3, 12, 12])
        #expect(opened.manifest.latentScale == 1)
        // Bytes, so that float16 distinguishes them all.
        let bytes = try opened.posterior([(0, false)]).mean.floats().map { (($0 + 1) * 127.5).rounded() }
        let picture = try maker.pictures.image(0).resized(width: 8, height: 12).padded(width: 12, height: 12)
        #expect(bytes == picture.planes.map(Float.init))
    }

    // MARK: Pictures that cannot be read

    @Test func damagedPicturesAreSkippedAndListed() throws {
        var maker = maker
        // A whole batch, a whole shard, and one.
        maker.pictures.damaged = Set([3, 4, 5] + Array(8..<16) + [22])
        var failures: [String] = []
        try maker.make(cache, report: { failures += $0.failures.map(\.file) })
        #expect(failures.count == 12 && failures[0] == "/somewhere/pictures/3.png")
        let opened = try LatentCache(cache)
        let left = (0..<23).filter { !maker.pictures.damaged.contains($0) }
        #expect(opened.count == left.count)
        #expect((0..<opened.count).map(opened.label) == left.map(maker.pictures.label))
        #expect(opened.manifest.shards.map(\.pictures) == [5, 0, 6])
        #expect(opened.manifest.skippedCount == 12)
        let first = try #require(opened.manifest.skipped.first)
        #expect((first.index, first.name, first.reason) == (3, "3.png", "is damaged"))
        let means = try opened.posterior([(4, false), (10, true)]).mean.floats()
        for (place, index) in [left[4], left[10]].enumerated() {
            let expected = try expected(index, mirrored: place == 1).mean
            #expect((0..<16).allSatisfy { abs(means[place * 16 + $0] - expected[$0]) < 2e-4 })
        }
    }

    @Test func strictStopsAtADamagedPicture() throws {
        var maker = maker
        maker.pictures.damaged = [13]
        maker.settings.isStrict = true
        let error = #expect(throws: FileError.self) { try maker.make(cache) }
        #expect(error == FileError("/somewhere/pictures/13.png", "is damaged"))
        // The shard before it stays, and the rest can follow once the picture is mended.
        maker.pictures.damaged = []
        #expect(try maker.encoder().open(cache).missing == [1, 2])
        #expect(try maker.make(cache) == .finished)
    }

    @Test func noPictureAtAllIsAnError() throws {
        var maker = maker
        maker.pictures.damaged = Set(0..<23)
        let error = #expect(throws: FileError.self) { try maker.make(cache) }
        #expect(error?.cause.contains("none of the pictures") == true)
        #expect(throws: FileError.self) { try LatentCache(cache) }
    }

    @Test func latentsThatAreNotFiniteAreAnError() throws {
        var maker = maker
        maker.autoencoder.factor = 1e9
        let error = #expect(throws: FileError.self) { try maker.make(cache) }
        #expect(error?.description.contains("not finite for one of the pictures 0…2 ") == true)
    }

    @Test(arguments: [0, 20, 1 << 20]) func impossibleSides(side: Int) {
        var maker = maker
        maker.settings.side = side
        #expect(throws: ECARError.self) { try maker.encoder() }
    }
}
