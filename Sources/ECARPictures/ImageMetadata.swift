import ECAR
import ECARAutoencoder
import ECARImages
import Files
import Foundation
import TorchNN

/// The text chunk `ecar` of a PNG: all that is needed to make the picture again.
public struct ImageMetadata: Codable, Equatable, Sendable {
    /// How a first stage was made. Its steps and guidance are among those of all stages.
    public struct FirstStage: Codable, Equatable, Sendable {
        public var solver: Solver
        /// Where they are not 1.
        public var timeShift, parallelGuidance: Double?
        public var precision: Precision
    }

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
    /// Of a single image that is an earlier stage's, or of a sheet of drafts: the stage, from 1.
    public var stage: Int?
    /// Of a grid.
    public var images: [ImageRequest]?
    /// Of a grid of finished images: whether it has a column for every stage.
    public var stages: Bool?
    public var steps: [Int]
    public var guidance: [Double]
    public var solver: Solver
    /// Where they are not 1.
    public var timeShift, parallelGuidance: Double?
    public var precision: Precision
    /// Where the first stage is a draft that was made otherwise than what came after.
    public var firstStage: FirstStage?
    public var version: String

    public init(model: String, autoencoder: any Autoencoder, settings: SamplingSettings, precision: Precision) {
        (self.model, self.precision, version) = (model, precision, programVersion)
        self.autoencoder = autoencoder.space == .pixels ? nil : autoencoder.identity
        (steps, guidance, solver) = (settings.steps, settings.guidance, settings.solver)
        timeShift = settings.timeShift == 1 ? nil : settings.timeShift
        parallelGuidance = settings.parallelGuidance == 1 ? nil : settings.parallelGuidance
    }

    public var settings: SamplingSettings {
        SamplingSettings(
            steps: steps, guidance: guidance, solver: solver, timeShift: timeShift ?? 1,
            parallelGuidance: parallelGuidance ?? 1)
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

    public func grid(_ requests: [ImageRequest], _ shown: StageChoice) -> ImageMetadata {
        var copy = self
        copy.images = requests
        if case .only(let stage) = shown { copy.stage = stage + 1 } else { copy.stages = shown == .every }
        return copy
    }

    /// What is shown of the images.
    ///
    /// - Parameter count: The model's stages.
    /// - Throws: ``ECARError`` for a stage that the model does not have.
    public func shown(of count: Int) throws(ECARError) -> StageChoice {
        guard let stage else { return stages == true ? .every : .finished }
        guard (1...max(1, count)).contains(stage) else {
            throw ECARError("its metadata name stage \(stage), which the model does not have")
        }
        return .only(stage - 1)
    }

    /// - Throws: ``ECARError`` for an image of a class that a model of these class names does not have, or calls otherwise.
    public func check(classNames: [String]) throws(ECARError) {
        for request in requests {
            guard classNames.indices.contains(request.class), classNames[request.class] == request.className else {
                throw ECARError(
                    "its metadata name the class \(request.class) \(request.className.prefix(40)), which the model does not "
                        + "have")
            }
        }
    }

    // MARK: Files

    /// The chunk's text: JSON on one line.
    public func text() throws -> [String: String] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [Self.key: String(decoding: try encoder.encode(self), as: UTF8.self)]
    }

    /// - Throws: ``FileError`` where a picture carries none, or none that makes sense.
    public static func read(_ bytes: Data, name: String) throws -> ImageMetadata {
        try read(Image.pngText(bytes, name: name), name: name)
    }

    /// Reads those of a PNG file.
    public static func read(_ url: URL) throws -> ImageMetadata {
        try read(Image.pngText(url), name: url.path)
    }

    /// - Parameter texts: What ``text()`` made, and perhaps others.
    static func read(_ texts: [String: String], name: String) throws -> ImageMetadata {
        guard let text = texts[key] else {
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
