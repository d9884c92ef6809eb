import ECAR
import ECARAutoencoder
import ECARImages
import ECARPictures
import Foundation
import Torch

/// Images on their way through a model, on the machine's thread.
actor SampledBatch: PictureBatch {
    private let key: BatchKey
    private var images: [ImageRequest]
    private var sampling: Sampling
    private let autoencoder: any Autoencoder
    private let latentScale: Double
    private let metadata: ImageMetadata
    private let thread: MachineThread

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(
        _ order: BatchOrder, sampling: Sampling, autoencoder: any Autoencoder, latentScale: Double,
        metadata: ImageMetadata, on thread: MachineThread
    ) {
        (key, images, self.sampling) = (order.key, order.images, sampling)
        (self.autoencoder, self.latentScale, self.metadata) = (autoencoder, latentScale, metadata)
        self.thread = thread
    }

    func step(keeping places: [Int]) throws -> BatchStep {
        if places != Array(images.indices) {
            try sampling.keep(places)
            images = places.map { images[$0] }
        }
        guard let step = try sampling.next() else { throw ECARError("the images have no steps left") }
        guard step.isStageEnd, key.hasPictures(step.stage) else { return BatchStep() }
        return BatchStep(
            pictures: try pictures(step),
            drafts: try step.stage == key.stages.last && key.kind == .drafts ? drafts() : [])
    }

    /// A PNG of every image, with all that is needed to make it again.
    private func pictures(_ step: Sampling.Step) throws -> [Data] {
        let isWhole = step.stage == key.settings.steps.count - 1
        let pictures = try autoencoder.pictures(step.latents, latentScale: latentScale)
        return try zip(pictures, images).map { picture, image in
            try picture.png(text: metadata.single(image, stage: isWhole ? nil : step.stage + 1).text())
        }
    }

    /// The state of every image by itself, in the main memory: it may be kept for long.
    private func drafts() throws -> [Draft] {
        try images.indices.map { place in
            let draft = try sampling.draft.picking([place])
            return Draft(labels: draft.labels, stages: try draft.stages.map { try $0.to(.cpu) })
        }
    }
}
