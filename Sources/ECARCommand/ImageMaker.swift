import ECAR
import ECARAutoencoder
import ECARImages
import ECARPictures
import ECARTraining
import Foundation
import Torch
import TorchNN

/// An image and what it was made from.
struct MadeImage {
    let request: ImageRequest
    /// Every stage's picture, coarse first; the finished one alone where no others were asked for.
    let stages: [Image]

    /// The finished picture.
    var image: Image { stages[stages.count - 1] }
}

/// Makes images batch by batch, and stops between two steps on Ctrl-C.
struct ImageMaker {
    let description: ModelDescription
    let digest: String
    let sampler: Sampler
    let autoencoder: any Autoencoder
    let batch: Int
    /// Whether the earlier stages' pictures are wanted too.
    let showsStages: Bool

    /// - Parameter directory: A model, which several makers may share.
    init(
        _ directory: PreparedDirectory, autoencoder: any Autoencoder, settings: SamplingSettings, batch: Int,
        showsStages: Bool
    ) throws {
        (description, digest) = (directory.description, directory.digest)
        sampler = try Sampler(directory.model, settings: settings)
        (self.autoencoder, self.batch, self.showsStages) = (autoencoder, batch, showsStages)
    }

    var settings: SamplingSettings { sampler.settings }

    /// What the pictures' files say of their making.
    var metadata: ImageMetadata {
        ImageMetadata(
            model: digest, autoencoder: autoencoder, settings: settings, precision: sampler.model.precision)
    }

    /// Makes the images and hands each on as soon as its batch is done, with a progress bar.
    ///
    /// - Returns: The seconds that every stage took.
    func make(_ requests: [ImageRequest], isQuiet: Bool, deliver: (MadeImage) throws -> Void) throws -> [Double] {
        let batches = (requests.count + batch - 1) / batch
        let total = batches * settings.steps.reduce(0, +)
        let bar = ProgressBar("sampling", total: total, unit: "steps", isQuiet: isQuiet)
        defer { bar.finish() }
        var (steps, images) = (0, 0)
        return try make(requests) {
            steps += 1
            bar.update(steps, note: batches > 1 ? "\(images)/\(requests.count) images" : "")
        } deliver: { image in
            images += 1
            try deliver(image)
        }
    }

    /// Makes the images and hands each on as soon as its batch is done.
    ///
    /// - Parameter didStep: Called after every step of every batch.
    /// - Returns: The seconds that every stage took.
    func make(
        _ requests: [ImageRequest], didStep: () -> Void, deliver: (MadeImage) throws -> Void
    ) throws -> [Double] {
        var seconds = settings.steps.map { _ in 0.0 }
        for first in stride(from: 0, to: requests.count, by: batch) {
            let part = requests[first..<min(first + batch, requests.count)]
            var sampling = try sampler.images(labels: part.map(\.class), seeds: part.map(\.noise))
            var stages: [[Image]] = []
            let clock = ContinuousClock()
            var start = clock.now
            while let step = try next(&sampling) {
                didStep()
                guard step.isStageEnd else { continue }
                if showsStages || step.stage == settings.steps.count - 1 {
                    stages.append(
                        try autoencoder.pictures(step.latents, latentScale: description.latentScale))
                }
                seconds[step.stage] += (clock.now - start) / .seconds(1)
                start = clock.now
            }
            for (index, request) in part.enumerated() {
                try deliver(MadeImage(request: request, stages: stages.map { $0[index] }))
            }
        }
        try Interrupt.check()
        return seconds
    }

    private func next(_ sampling: inout Sampling) throws -> Sampling.Step? {
        try Interrupt.check()
        return try sampling.next()
    }
}
