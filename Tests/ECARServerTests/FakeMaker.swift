import ECAR
import ECARPictures
import ECARServer
import Foundation
import Synchronization
import Torch
import TorchNN

/// Makes "PNGs" that say what they are of, at once and without a network.
struct FakeMaker: PictureMaker {
    /// Two stages of two and three steps, ten classes.
    static let model = ModelDescription(
        architecture: ModelConfiguration(
            channels: 1, sides: [4, 8], patches: [2, 2], classes: 10, width: 8, heads: 1, arDepth: 1,
            flowDepths: [1, 1]),
        classNames: (0..<10).map { "\($0)" }, sampling: SamplingSettings(steps: [2, 3], guidance: [1, 1]))

    var model: ModelDescription = FakeMaker.model
    /// Batches with an image of this class fail, at their begin or in this step.
    var broken: (class: Int, step: Int)?

    func check(_ precision: Precision) throws(StudioError) {
        if precision == .int8 { throw .wrong("no int8 here") }
    }

    func begin(_ order: BatchOrder) async throws -> any PictureBatch {
        if let broken, broken.step == 0, order.images.contains(where: { $0.class == broken.class }) { throw Broken() }
        return FakeBatch(order, brokenStep: order.images.contains { $0.class == broken?.class } ? broken?.step : nil)
    }

    /// What the picture of an image after a stage, from 1, says; of a finish also what its draft was.
    static func picture(_ image: ImageRequest, stage: Int, settings: SamplingSettings, origin: Double? = nil) -> Data {
        let variation = image.variation.map { " varied \($0.number) after \($0.stagesKept)" } ?? ""
        let draft = origin.map { " from \($0)" } ?? ""
        return Data(
            "class \(image.class) seed \(image.seed)\(variation) stage \(stage) guidance \(settings.guidance)\(draft)"
                .utf8)
    }

    struct Broken: Error {}
}

private final class FakeBatch: PictureBatch {
    private struct State {
        var images: [ImageRequest]
        var origins: [Draft]
        var stage: Int
        var step = 0
        var steps = 0
    }

    private let key: BatchKey
    private let brokenStep: Int?
    private let state: Mutex<State>

    init(_ order: BatchOrder, brokenStep: Int?) {
        (key, self.brokenStep) = (order.key, brokenStep)
        state = Mutex(State(images: order.images, origins: order.drafts, stage: order.key.stages.lowerBound))
    }

    func step(keeping places: [Int]) async throws -> BatchStep {
        try state.withLock { state in
            state.images = places.map { state.images[$0] }
            if !state.origins.isEmpty { state.origins = places.map { state.origins[$0] } }
            state.steps += 1
            if state.steps == brokenStep { throw FakeMaker.Broken() }
            state.step += 1
            guard state.step == key.settings.steps[state.stage] else { return BatchStep() }
            defer { (state.stage, state.step) = (state.stage + 1, 0) }
            let isLast = state.stage == key.stages.last
            guard isLast || key.showsStages else { return BatchStep() }
            let pictures = try state.images.enumerated().map { place, image in
                let origin = try state.origins.isEmpty ? nil : state.origins[place].stages[0].item()
                return FakeMaker.picture(image, stage: state.stage + 1, settings: key.settings, origin: origin)
            }
            // A draft's state is one number, its seed.
            let drafts = try state.images.map { image in
                Draft(labels: [image.class], stages: [try Tensor([Float(image.seed)], shape: [1, 1, 1, 1])])
            }
            return BatchStep(pictures: pictures, drafts: isLast && key.kind == .drafts ? drafts : [])
        }
    }
}
