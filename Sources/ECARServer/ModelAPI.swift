import ECAR
import ECARPictures
import Foundation
import Hummingbird
import TorchNN

/// `GET /api/model`: all that a page or a program must know to ask for images.
struct ModelAPI: Sendable {
    private struct View: Encodable {
        struct Class: Encodable {
            let index: Int
            let name: String
        }
        struct Stage: Encodable {
            /// Of its latents, and of its pictures in pixels.
            let side, pixels: Int
            let patch, tokens: Int
            let steps: Int
            let guidance: Double
        }
        struct Bounds: Encodable {
            /// Images of a job, of a draft, of a request of OpenAI's API.
            let images, drafts, generations: Int
            /// Steps of all stages together.
            let steps: Int
            let largestSeed: Int
            /// How long a job may take.
            let seconds: Double
        }
        let name, digest, version: String
        let classes: [Class]
        let channels: Int
        let stages: [Stage]
        /// What is used where a request says nothing else.
        let sampling: SamplingSettings
        let precision: Precision
        let precisions: [Precision]
        let parameters: Int
        /// Multiply-accumulates of an image with the usual sampling.
        let macsPerImage: Double
        let limits: Bounds
    }

    /// The answer, which never changes.
    private let answer: Data

    init(_ model: ServedModel, _ limits: Limits) throws {
        let (description, architecture) = (model.description, model.description.architecture)
        let cost = Cost(architecture, sampling: description.sampling)
        answer = try Response.json(
            View(
                name: model.name, digest: model.digest, version: programVersion,
                classes: description.classNames.enumerated().map { .init(index: $0, name: $1) },
                channels: description.pictureChannels,
                stages: (0..<architecture.stages).map { stage in
                    .init(
                        side: architecture.sides[stage], pixels: description.pictureSides[stage],
                        patch: architecture.patches[stage], tokens: architecture.tokens(stage),
                        steps: description.sampling.steps[stage], guidance: description.sampling.guidance[stage])
                },
                sampling: description.sampling, precision: model.precision, precisions: model.precisions,
                parameters: cost.parameters, macsPerImage: cost.macs,
                limits: .init(
                    images: limits.images, drafts: limits.images,
                    generations: min(GenerationsAPI.mostImages, limits.images), steps: limits.steps,
                    largestSeed: Seed.largest, seconds: limits.timeLimit / .seconds(1))))
    }

    var endpoints: [Endpoint] {
        [
            Endpoint(.get, "/api/model") { [answer] _, _ in
                Response(
                    status: .ok, headers: [.contentType: "application/json"],
                    body: .init(byteBuffer: ByteBuffer(data: answer)))
            }
        ]
    }
}
