import ECAR
import ECARAutoencoder
import ECARImages
import Torch

/// A step's latents, of this process.
public struct LatentBatch: Sendable {
    let posterior: Posterior  // (B, C, h_S, h_S)
    let labels: [Int]  // (B)
}

/// Loads every step's batch on background threads, and brings it to the device as latents.
struct TrainingLoader {
    let next: () throws -> LatentBatch
    let stop: () -> Void

    /// - Parameter autoencoder: Encodes pictures; latents need none.
    init(
        _ data: TrainingData, _ configuration: TrainingConfiguration, autoencoder: (any Autoencoder)?, device: Device,
        firstStep: Int, rank: Int, processes: Int
    ) throws {
        let plan = try BatchPlan(
            count: data.count, of: data.name,
            frequencies: configuration.data.classBalance.map { data.frequencies(classBalance: $0) },
            batchSize: configuration.batchSize / processes,
            seed: Generator.seed(configuration.seed, TrainingState.Purpose.data), rank: rank, processes: processes)
        let flip = configuration.data.flip
        switch data {
        case .latents(let cache):
            let loader = try BatchLoader(plan, firstStep: firstStep) { _, items in
                LatentBatch(
                    posterior: try cache.posterior(items.map { ($0.index, flip && $0.isMirrored) }),
                    labels: items.map { cache.label($0.index) })
            }
            next = {
                let batch = try loader.next()
                return LatentBatch(posterior: try batch.posterior.to(device), labels: batch.labels)
            }
            stop = loader.stop
        case .pictures(let dataset):
            guard let autoencoder else { throw ECARError("\(data.name) holds pictures, and nothing encodes them") }
            let (side, channels) = (configuration.side, configuration.pictureChannels)
            let loader = try BatchLoader(
                dataset: dataset, plan: plan, side: side, channels: channels, fit: configuration.data.fit, flip: flip,
                randomCrop: configuration.data.randomCrop, firstStep: firstStep)
            let scale = data.latentScale(configuration.latentSpace)
            next = {
                let batch = try loader.next()
                let pictures = try Tensor(
                    bytes: batch.pixels, shape: [batch.labels.count, channels, side, side], dtype: .uint8,
                    device: device)
                let posterior = try autoencoder.posterior(pictures, latentScale: scale)
                return LatentBatch(posterior: posterior, labels: batch.labels)
            }
            stop = loader.stop
        }
    }
}
