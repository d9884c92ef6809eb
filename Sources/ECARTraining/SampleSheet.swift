import ECAR
import ECARAutoencoder
import ECARImages
import Foundation
import Torch
import TorchNN

/// A grid of images of the model in training: a row for each class, the same seeds every time.
struct SampleSheet {
    /// Of small pictures; of larger ones there are fewer, so that a sheet stays within 1024 pixels of height.
    private static let mostRows = 16
    private static let height = 1024
    static let columns = 8
    private static let rowsAtOnce = 4

    let configuration: TrainingConfiguration
    let classNames: [String]
    let autoencoder: any Autoencoder
    let latentScale: Double

    func render(_ model: ECARModel, title: String) throws -> Image {
        let rows = min(configuration.model.classes, Self.mostRows, max(2, Self.height / configuration.side))
        let seeds = (0..<Self.columns).map {
            Generator.seed(configuration.seed, TrainingState.Purpose.samples, UInt64($0))
        }
        let sampler = try Sampler(model, settings: configuration.sampling, precision: configuration.precision)
        var images: [Image] = []
        for row in stride(from: 0, to: rows, by: Self.rowsAtOnce) {
            let labels = row..<min(row + Self.rowsAtOnce, rows)
            var sampling = try sampler.images(
                labels: labels.flatMap { Array(repeating: $0, count: seeds.count) },
                seeds: labels.flatMap { _ in seeds })
            if let latents = try sampling.finish().last {
                images += try autoencoder.pictures(latents, latentScale: latentScale)
            }
        }
        return try ImageGrid(
            images, columns: Self.columns, title: title, rowLabels: Array(classNames.prefix(rows))
        ).render()
    }
}
