import ECAR
import ECARAutoencoder
import ECARImages
import Files
import Foundation
import TorchNN

/// The text chunk `ecar` of a PNG: all that is needed to make the picture again.
public struct ImageMetadata: Codable, Sendable {
    public static let key = "ecar"

    /// The digest of the model's files.
    public var model: String
    /// What decoded the model's latents; pixels need nothing.
    public var autoencoder: String?
    /// Of a single image.
    var `class`: Int?
    public var className: String?
    public var seed: UInt64?
    public var variation: NoiseSeed.Variation?
    /// Of a single image that is an earlier stage's: its stage, from 1.
    public var stage: Int?
    /// Of a grid.
    public var images: [ImageRequest]?
    /// Of a grid: whether it has a column for every stage.
    public var stages: Bool?
    public var steps: [Int]
    public var guidance: [Double]
    public var solver: Solver
    /// Where it is not 1.
    public var timeShift: Double?
    public var precision: Precision
    public var version: String

    public init(model: String, autoencoder: any Autoencoder, settings: SamplingSettings, precision: Precision) {
        (self.model, self.precision, version) = (model, precision, programVersion)
        self.autoencoder = autoencoder.space == .pixels ? nil : autoencoder.identity
        (steps, guidance, solver) = (settings.steps, settings.guidance, settings.solver)
        timeShift = settings.timeShift == 1 ? nil : settings.timeShift
    }

    public var settings: SamplingSettings {
        SamplingSettings(steps: steps, guidance: guidance, solver: solver, timeShift: timeShift ?? 1)
    }

    /// The images of the picture.
    public var requests: [ImageRequest] {
        if let images { return images }
        guard let `class`, let className, let seed else { return [] }
        return [ImageRequest(class: `class`, className: className, seed: seed, variation: variation)]
    }

    public func single(_ request: ImageRequest, stage: Int? = nil) -> ImageMetadata {
        var copy = self
        (copy.class, copy.className, copy.stage) = (request.class, request.className, stage)
        (copy.seed, copy.variation) = (request.seed, request.variation)
        return copy
    }

    public func grid(_ requests: [ImageRequest], stages: Bool) -> ImageMetadata {
        var copy = self
        (copy.images, copy.stages) = (requests, stages)
        return copy
    }

    /// The chunk's text: JSON on one line.
    public func text() throws -> [String: String] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [Self.key: String(decoding: try encoder.encode(self), as: UTF8.self)]
    }

    /// - Throws: ``FileError`` where a picture carries none, or none that makes sense.
    public static func read(_ bytes: Data, name: String) throws -> ImageMetadata {
        guard let text = try Image.pngText(bytes, name: name)[key] else {
            throw FileError(
                name, "has no metadata of ecar; it was not made by `ecar sample`, or another program removed them")
        }
        let metadata = try StrictJSON.decode(ImageMetadata.self, from: Data(text.utf8), name: "\(name), metadata")
        guard !metadata.requests.isEmpty else {
            throw FileError(name, "has metadata that name no image")
        }
        return metadata
    }
}
