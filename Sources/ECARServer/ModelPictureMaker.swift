import ECAR
import ECARAutoencoder
import ECARPictures
import Foundation
import Torch
import TorchNN

/// Makes pictures with the model of a folder.
package actor ModelPictureMaker: PictureMaker {
    package nonisolated let model: ModelDescription
    /// Names the model's files, as pictures do.
    package nonisolated let digest: String
    /// The precisions that this machine can compute in.
    package nonisolated let precisions: [Precision]

    private let folder: URL
    private let autoencoder: any Autoencoder
    private let device: Device
    private let thread = MachineThread(name: "picture maker")
    /// The model as far as it is prepared.
    private var prepared: [Precision: PreparedModel]

    package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Opens a model. Its weights are prepared for one precision at once, and for others when they are first asked for.
    ///
    /// - Throws: What ``ECARPictures/PreparedDirectory`` throws.
    package init(_ folder: URL, autoencoder: any Autoencoder, device: Device, precision: Precision = .f32) throws {
        let directory = try PreparedDirectory(folder, device: device, precision: precision)
        (model, digest, prepared) = (directory.description, directory.digest, [precision: directory.model])
        (self.folder, self.autoencoder, self.device) = (folder, autoencoder, device)
        let hasInt8 = (try? Tensor.zeros([16, 16], device: device).packedInt8()) != nil
        precisions = Precision.allCases.filter { $0 != .int8 || hasInt8 }
    }

    deinit { thread.stop() }

    package nonisolated func check(_ precision: Precision) throws(StudioError) {
        guard precisions.contains(precision) else {
            let others = precisions.map(\.rawValue).joined(separator: " and ")
            throw .wrong("this server's machine cannot compute in \(precision.rawValue); it has \(others)")
        }
    }

    package func begin(_ order: BatchOrder) throws -> any PictureBatch {
        let sampler = try Sampler(model(order.key.precision), settings: order.key.settings)
        let seeds = order.images.map(\.noise)
        let sampling =
            if case .finishes = order.key.kind {
                try sampler.images(continuing: Draft(joining: order.drafts), seeds: seeds)
            } else {
                try sampler.images(labels: order.images.map(\.class), seeds: seeds)
            }
        let metadata = ImageMetadata(
            model: digest, autoencoder: autoencoder, settings: order.key.settings, precision: order.key.precision)
        return SampledBatch(
            order, sampling: sampling, autoencoder: autoencoder, latentScale: model.latentScale, metadata: metadata,
            on: thread)
    }

    private func model(_ precision: Precision) throws -> PreparedModel {
        if let model = prepared[precision] { return model }
        let directory = try PreparedDirectory(folder, device: device, precision: precision)
        guard directory.digest == digest else {
            throw ECARError("\(folder.path): the model has changed since the server started; start it again")
        }
        prepared[precision] = directory.model
        return directory.model
    }
}

extension Draft {
    /// Drafts of as many stages one after the other.
    fileprivate init(joining drafts: [Draft]) throws {
        let stages = drafts.map(\.stages.count).min() ?? 0
        self.init(
            labels: drafts.flatMap(\.labels),
            stages: try (0..<stages).map { stage in try .cat(drafts.map { $0.stages[stage] }, 0) })
    }
}
