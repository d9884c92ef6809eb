import ECAR
import ECARAutoencoder
import ECARImages
import Foundation
import TorchNN

/// One image that is wanted: everything about it that is not the same for all images of a command.
struct ImageRequest: Codable, Equatable {
    let `class`: Int
    let className: String
    let seed: UInt64
}

/// The text chunk `ecar` of a PNG: all that is needed to make the picture again.
struct ImageMetadata: Codable {
    static let key = "ecar"

    /// The digest of the model's files.
    var model: String
    /// What decoded the model's latents; pixels need nothing.
    var autoencoder: String?
    /// Of a single image.
    var `class`: Int?
    var className: String?
    var seed: UInt64?
    /// Of a single image that is an earlier stage's: its stage, from 1.
    var stage: Int?
    /// Of a grid.
    var images: [ImageRequest]?
    /// Of a grid: whether it has a column for every stage.
    var stages: Bool?
    var steps: [Int]
    var guidance: [Double]
    var solver: Solver
    /// Where it is not 1.
    var timeShift: Double?
    var precision: Precision
    var version: String

    init(model: String, autoencoder: any Autoencoder, settings: SamplingSettings, precision: Precision) {
        (self.model, self.precision, version) = (model, precision, programVersion)
        self.autoencoder = autoencoder.space == .pixels ? nil : autoencoder.identity
        (steps, guidance, solver) = (settings.steps, settings.guidance, settings.solver)
        timeShift = settings.timeShift == 1 ? nil : settings.timeShift
    }

    var settings: SamplingSettings {
        SamplingSettings(steps: steps, guidance: guidance, solver: solver, timeShift: timeShift ?? 1)
    }

    /// The images of the picture.
    var requests: [ImageRequest] {
        if let images { return images }
        guard let `class`, let className, let seed else { return [] }
        return [ImageRequest(class: `class`, className: className, seed: seed)]
    }

    func single(_ request: ImageRequest, stage: Int? = nil) -> ImageMetadata {
        var copy = self
        (copy.class, copy.className, copy.seed, copy.stage) = (request.class, request.className, request.seed, stage)
        return copy
    }

    func grid(_ requests: [ImageRequest], stages: Bool) -> ImageMetadata {
        var copy = self
        (copy.images, copy.stages) = (requests, stages)
        return copy
    }

    /// The chunk's text: JSON on one line.
    func text() throws -> [String: String] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [Self.key: String(decoding: try encoder.encode(self), as: UTF8.self)]
    }

    /// - Throws: `CommandError` where a picture carries none, or none that makes sense.
    static func read(_ bytes: Data, name: String) throws -> ImageMetadata {
        guard let text = try Image.pngText(bytes, name: name)[key] else {
            throw CommandError.failure(
                "\(name): has no metadata of ecar; it was not made by `ecar sample`, or another program removed them")
        }
        let metadata = try StrictJSON.decode(ImageMetadata.self, from: Data(text.utf8), name: "\(name), metadata")
        guard !metadata.requests.isEmpty else {
            throw CommandError.failure("\(name): its metadata name no image")
        }
        return metadata
    }
}
