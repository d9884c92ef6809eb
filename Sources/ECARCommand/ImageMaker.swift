import ECAR
import ECARAutoencoder
import ECARImages
import ECARPictures
import Foundation
import Torch
import TorchNN

/// An image and what it was made from.
struct MadeImage {
    let request: ImageRequest
    /// The pictures of the stages that were asked for, coarse first.
    let stages: [Image]
    /// Of the last of them.
    let latents: Tensor  // (1, C, h, h)

    /// The picture of the last of them.
    var image: Image { stages[stages.count - 1] }
}

/// Makes images batch by batch, and stops between two steps on Ctrl-C.
struct ImageMaker {
    let description: ModelDescription
    let digest: String
    let sampler: Sampler
    let autoencoder: any Autoencoder
    let batch: Int
    /// The stages whose pictures are wanted; those after the last of them are not made.
    let shown: Range<Int>

    /// - Parameter directory: A model, which several makers may share.
    init(
        _ directory: PreparedDirectory, autoencoder: any Autoencoder, settings: SamplingSettings, batch: Int,
        shown: StageChoice = .finished
    ) throws {
        (description, digest) = (directory.description, directory.digest)
        sampler = try Sampler(directory.model, settings: settings)
        (self.autoencoder, self.batch) = (autoencoder, batch)
        self.shown = shown.stages(of: description.architecture.stages)
    }

    var settings: SamplingSettings { sampler.settings }

    /// What the pictures' files say of their making.
    var metadata: ImageMetadata {
        ImageMetadata(
            model: digest, autoencoder: autoencoder, settings: settings, precision: sampler.model.precision)
    }

    /// Makes the images and hands each on as soon as its batch is done, with a progress bar.
    ///
    /// - Parameter draft: What is there of the images, in their order.
    /// - Returns: The seconds that every stage took.
    func make(
        _ requests: [ImageRequest], continuing draft: Draft? = nil, isQuiet: Bool, deliver: (MadeImage) throws -> Void
    ) throws -> [Double] {
        let batches = (requests.count + batch - 1) / batch
        let steps = settings.steps.prefix(shown.upperBound).dropFirst(draft?.stages.count ?? 0)
        let bar = ProgressBar("sampling", total: batches * steps.reduce(0, +), unit: "steps", isQuiet: isQuiet)
        defer { bar.finish() }
        var (step, images) = (0, 0)
        return try make(requests, continuing: draft) {
            step += 1
            bar.update(step, note: batches > 1 ? "\(images)/\(requests.count) images" : "")
        } deliver: { image in
            images += 1
            try deliver(image)
        }
    }

    /// Makes the images and hands each on as soon as its batch is done.
    ///
    /// - Parameters:
    ///   - draft: What is there of the images, in their order.
    ///   - didStep: Called after every step of every batch.
    /// - Returns: The seconds that every stage took.
    func make(
        _ requests: [ImageRequest], continuing draft: Draft? = nil, didStep: () -> Void,
        deliver: (MadeImage) throws -> Void
    ) throws -> [Double] {
        var seconds = settings.steps.map { _ in 0.0 }
        for first in stride(from: 0, to: requests.count, by: batch) {
            let places = first..<min(first + batch, requests.count)
            var sampling = try begin(Array(requests[places]), draft?.picking(Array(places)))
            let clock = ContinuousClock()
            var start = clock.now
            func time(_ stage: Int) {
                seconds[stage] += (clock.now - start) / .seconds(1)
                start = clock.now
            }
            while sampling.draft.stages.count < shown.upperBound, let step = try next(&sampling) {
                didStep()
                if step.isStageEnd { time(step.stage) }
            }
            let latents = sampling.draft.stages  // S × (B, C, h, h)
            let pictures = try shown.map { stage in
                defer { time(stage) }
                return try autoencoder.pictures(latents[stage], latentScale: description.latentScale)
            }
            for (row, request) in requests[places].enumerated() {
                try deliver(
                    MadeImage(
                        request: request, stages: pictures.map { $0[row] },
                        latents: latents[shown.upperBound - 1].narrow(0, start: row, length: 1)))
            }
        }
        try Interrupt.check()
        return seconds
    }

    private func begin(_ requests: [ImageRequest], _ draft: Draft?) throws -> Sampling {
        let seeds = requests.map(\.noise)
        guard let draft else { return try sampler.images(labels: requests.map(\.class), seeds: seeds) }
        return try sampler.images(continuing: draft, seeds: seeds)
    }

    private func next(_ sampling: inout Sampling) throws -> Sampling.Step? {
        try Interrupt.check()
        return try sampling.next()
    }
}
