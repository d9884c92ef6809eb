import ECAR
import ECARAutoencoder
import ECARImages
import ECARPictures
import ECARServer
import Foundation
import Testing
import Torch
import TorchNN

/// A studio with a real model, small and random: its pictures are those of a plain ``Sampler``.
@Suite(.timeLimit(.minutes(1))) struct ModelPictureMakerTests {
    private static let settings = SamplingSettings(steps: [3, 2, 2], guidance: [1, 1.5, 1])
    private let folder: ModelFolder
    private let maker: ModelPictureMaker

    init() throws {
        folder = try ModelFolder()
        maker = try ModelPictureMaker(folder.url, autoencoder: Identity(), device: .cpu)
    }

    private func request(
        _ work: JobRequest.Work, _ settings: SamplingSettings = settings, precision: Precision = .f32,
        showsStages: Bool = false, client: String = "a"
    ) -> JobRequest {
        JobRequest(
            work: work, settings: settings, precision: precision, showsStages: showsStages, client: client,
            timeLimit: .seconds(600))
    }

    private func wanted(_ count: Int, class label: Int, seed: UInt64) -> [ImageRequest] {
        (0..<count).map { ImageRequest(class: label, className: "class \(label)", seed: seed + UInt64($0)) }
    }

    /// Every stage's picture of one image, made alone.
    private func plain(
        _ image: ImageRequest, _ settings: SamplingSettings = settings, precision: Precision = .f32
    ) throws -> [Image] {
        let sampler = try Sampler(folder.model, settings: settings, precision: precision)
        var sampling = try sampler.images(labels: [image.class], seeds: [image.noise])
        return try sampling.finish().flatMap { try $0.images() }
    }

    private func expectEqual(
        _ png: Data?, _ expected: Image, tolerance: Int = 1, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let found = try Image.decode(try #require(png), name: "found")
        #expect(found.pixels.count == expected.pixels.count, sourceLocation: sourceLocation)
        let worst = zip(found.pixels, expected.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
        #expect(worst <= tolerance, "differs by \(worst) of 255", sourceLocation: sourceLocation)
    }

    private func differ(_ a: Data?, _ b: Data?) throws -> Bool {
        try Image.decode(try #require(a), name: "a").pixels != Image.decode(try #require(b), name: "b").pixels
    }

    // MARK: Pictures

    /// Jobs of several clients and settings, in batches that cut through them.
    @Test func everyPictureIsThatOfAPlainRun() async throws {
        let test = TestStudio(maker, limits: Limits(batch: 5))
        let other = SamplingSettings(steps: [2, 2, 3], guidance: [2, 2, 2], solver: .heun, timeShift: 0.5)
        var jobs: [(StartedJob, [ImageRequest], SamplingSettings)] = []
        for number in 0..<6 {
            let images = wanted(number % 3 + 2, class: number % 4, seed: UInt64(10 * number))
            let settings = number % 3 == 2 ? other : Self.settings
            let request = request(.images(images), settings, client: "\(number % 4)")
            jobs.append((try await test.start(request), images, settings))
        }
        test.gate.isOpen = true
        for (job, images, settings) in jobs {
            let found = await job.pictures()
            for (index, image) in images.enumerated() {
                try expectEqual(found[index], try #require(try plain(image, settings).last))
            }
        }
    }

    @Test func earlierStagesAreShownToo() async throws {
        let test = TestStudio(maker, isOpen: true)
        let image = wanted(1, class: 1, seed: 5)
        let job = try await test.start(request(.images(image), showsStages: true))
        let pictures = await job.events().compactMap {
            if case .picture(0, let stage, let isFinal, let png) = $0 { (stage, isFinal, png) } else { nil }
        }
        #expect(pictures.map(\.0) == [1, 2, 3] && pictures.map(\.1) == [false, false, true])
        for (picture, expected) in zip(pictures, try plain(image[0])) { try expectEqual(picture.2, expected) }
    }

    @Test func aPartThatIsCancelledLeavesTheRestExact() async throws {
        let test = TestStudio(maker)
        let blocker = try await test.start(request(.drafts(wanted(1, class: 0, seed: 0))))
        await test.gate.begun(1)
        let (first, second) = (wanted(2, class: 1, seed: 10), wanted(2, class: 2, seed: 20))
        let cancelled = try await test.start(request(.images(first), client: "b"))
        let left = try await test.start(request(.images(second)))
        // Cancelled in the middle of the second stage.
        test.gate.allow(3 + 4)
        _ = await blocker.events()
        await test.gate.asked(3 + 4 + 1)
        try await test.studio.cancel(cancelled.id)
        test.gate.isOpen = true
        let found = await left.pictures()
        #expect(test.gate.steps.last?.count == 2)
        for (index, image) in second.enumerated() {
            let png = try #require(found[index])
            try expectEqual(png, try #require(try plain(image).last))
            #expect(try ImageMetadata.read(png, name: "left").requests == [image])
        }
    }

    // MARK: Drafts

    @Test func aFinishedDraftIsThePlainImage() async throws {
        let test = TestStudio(maker, isOpen: true)
        let images = wanted(3, class: 3, seed: 40)
        let draft = try await test.start(request(.drafts(images)))
        let sketches = await draft.pictures()
        for (index, image) in images.enumerated() { try expectEqual(sketches[index], try plain(image)[0]) }

        let picks: [JobRequest.Pick] = [.init(index: 2), .init(index: 0), .init(index: 0, variation: 1)]
        let finish = try await test.start(request(.finish(draft: draft.id, picks: picks), showsStages: true))
        let found = await finish.pictures()
        try expectEqual(found[0], try #require(try plain(images[2]).last))
        try expectEqual(found[1], try #require(try plain(images[0]).last))
        // The variation is the plain image with its noise, and not the one without.
        let varied = try await test.studio.status(finish.id).images[2]
        #expect(varied.variation == NoiseSeed.Variation(stagesKept: 1, number: 1))
        try expectEqual(found[2], try #require(try plain(varied).last))
        #expect(try differ(found[1], found[2]))
    }

    /// The first stage's settings are the draft's, whatever the finish says, and its picture's metadata say so.
    @Test func aFinishedDraftCanBeMadeAgainFromItsMetadata() async throws {
        let test = TestStudio(maker, isOpen: true)
        var later = Self.settings
        (later.steps, later.guidance) = ([9, 4, 3], [7, 1, 2])
        let draft = try await test.start(request(.drafts(wanted(1, class: 2, seed: 8))))
        _ = await draft.events()
        let picks = [JobRequest.Pick(index: 0, variation: 3)]
        let job = try await test.start(request(.finish(draft: draft.id, picks: picks), later))
        let png = try #require(await job.pictures()[0])
        let metadata = try ImageMetadata.read(png, name: "finished")
        #expect(metadata.settings == SamplingSettings(steps: [3, 4, 3], guidance: [1, 1, 2]))
        #expect(metadata.model == maker.digest && metadata.stage == nil)
        try expectEqual(png, try #require(try plain(metadata.requests[0], metadata.settings).last))
        let sketch = try ImageMetadata.read(try await test.studio.picture(draft.id, index: 0), name: "draft")
        #expect(sketch.stage == 1 && sketch.requests == wanted(1, class: 2, seed: 8))
    }

    // MARK: Models

    @Test func otherPrecisionsArePreparedWhenTheyAreAskedFor() async throws {
        let test = TestStudio(maker, isOpen: true)
        let image = wanted(1, class: 0, seed: 3)
        for precision in maker.precisions {
            let job = try await test.start(request(.images(image), precision: precision))
            let png = try #require(await job.pictures()[0])
            try expectEqual(png, try #require(try plain(image[0], precision: precision).last), tolerance: 2)
            #expect(try ImageMetadata.read(png, name: "png").precision == precision)
        }
        #expect(Set(maker.precisions).isSuperset(of: [.f32, .bf16]))
    }

    /// A folder that changes under a server must not give pictures that name the wrong model.
    @Test func aModelThatHasChangedIsNotUsed() async throws {
        let test = TestStudio(maker, isOpen: true)
        try folder.write(seed: 9)
        let broken = try await test.start(request(.images(wanted(1, class: 0, seed: 3)), precision: .bf16))
        #expect(await broken.events().last?.name == "failed")
        let fine = try await test.start(request(.images(wanted(1, class: 0, seed: 3))))
        #expect(await fine.events().last?.name == "done")
    }

    @Test func aMachineWithoutAPrecisionSaysSo() async throws {
        guard !maker.precisions.contains(.int8) else { return }
        let test = TestStudio(maker)
        let refusal = await test.refusal(request(.images(wanted(1, class: 0, seed: 0)), precision: .int8))
        #expect(refusal == .wrong("this server's machine cannot compute in int8; it has f32 and bf16"))
    }
}

/// A temporary folder with a small random model, gone with this object.
final class ModelFolder: Sendable {
    let url: URL

    private static let description = ModelDescription(
        architecture: ModelConfiguration(
            channels: 1, sides: [4, 8, 16], patches: [2, 2, 4], classes: 4, width: 32, heads: 2, arDepth: 2,
            flowDepths: [1, 1, 1]),
        classNames: (0..<4).map { "class \($0)" }, sampling: SamplingSettings(steps: [3, 2, 2], guidance: [1, 1.5, 1]))

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("ecar-tests-\(UUID().uuidString)")
        try write(seed: 1)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// Writes another model over the one that there is.
    func write(seed: UInt64) throws {
        let parameters = try Parameters(.random(Generator(seed: seed)))
        let model = try ECARModel(Self.description.architecture, parameters)
        try ModelDirectory.save(
            Self.description, tensors: Array(zip(parameters.names, model.parameters.tensors)), to: url)
    }

    var model: ECARModel { get throws { try ModelDirectory.load(url).model } }
}
