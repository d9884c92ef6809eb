import ECAR
import ECAREvaluation
import ECARImages
import Foundation
import Torch

/// A set of pictures that is to be judged: pictures that are there, or those that a model makes.
enum EvaluationSubject {
    /// With the path that the user gave.
    case pictures(any PictureSource, path: String)
    /// With the place in a sweep, where it is part of one.
    case model(ModelPictures, point: EvaluationReport.Point?)

    /// How many of a subject's pictures a report shows.
    static let shown = 192

    /// What the program does with it.
    var verb: String {
        switch self {
        case .pictures: "looking"
        case .model: "sampling"
        }
    }

    var isLabelled: Bool {
        switch self {
        case .pictures(let source, _): source.isLabelled
        case .model: true
        }
    }

    var classNames: [String]? {
        switch self {
        case .pictures(let source, _): source.classNames
        case .model(let model, _): model.maker.description.classNames
        }
    }

    /// Width and height of the pictures, those of the first one, and their channels, where all are known to have the same.
    func shape() throws -> (width: Int, height: Int, channels: Int?) {
        switch self {
        case .pictures(let source, _):
            guard let first = try source.images(at: [0]).first else {
                throw CommandError.failure("\(source.name): holds no pictures")
            }
            return (first.width, first.height, nil)
        case .model(let model, _):
            let description = model.maker.description
            let side = description.pictureSides.last ?? 0
            return (side, side, description.pictureChannels)
        }
    }

    /// What the network says of the pictures.
    ///
    /// - Parameter progress: Called with the numbers of pictures that are done and wanted, in this process, and a note.
    /// - Returns: In the first process alone what it says; also the seconds that a picture took to make, where some were.
    func features(
        _ network: any FeatureExtractor, progress: (_ done: Int, _ total: Int, _ note: String) -> Void
    ) throws -> (set: FeatureSet?, secondsPerPicture: Double?) {
        switch self {
        case .pictures(let source, let path):
            let set = try FeatureSet(source, network: network) { done in
                try Interrupt.check()
                progress(done, source.count, "")
            }
            return (set.named(path), nil)
        case .model(let model, _): return try model.features(progress: progress)
        }
    }

    /// The places of so many pictures that show what there is.
    func places(_ count: Int) -> [Int] {
        switch self {
        // Pictures that are there often come class by class; a model's do not.
        case .pictures(let source, _):
            let shown = min(count, source.count)
            return (0..<shown).map { $0 * source.count / shown }
        case .model(let model, _): return Array(0..<min(count, model.count))
        }
    }

    /// The pictures at ``places(_:)``.
    func images(_ count: Int) throws -> [Image] {
        switch self {
        case .pictures(let source, _): try source.images(at: places(count))
        case .model(let model, _): try model.firstPictures(count)
        }
    }

    /// Takes away what was kept to go on from.
    func removeParts() {
        if case .model(let model, _) = self { model.removeParts() }
    }

    // MARK: In the report

    func side(_ set: FeatureSet) throws -> EvaluationReport.PictureSet {
        let kind: EvaluationReport.PictureSet.Kind =
            switch self {
            case .pictures: .pictures
            case .model: .model
            }
        return EvaluationReport.PictureSet(
            kind: kind, name: URL(fileURLWithPath: set.name).lastPathComponent, path: set.name, count: set.count,
            width: set.size.width, height: set.size.height, digest: try set.digest, isLabelled: isLabelled)
    }

    func model(secondsPerPicture: Double?) -> EvaluationReport.Model? {
        guard case .model(let model, _) = self else { return nil }
        let settings = model.maker.settings
        return EvaluationReport.Model(
            digest: model.maker.digest, steps: settings.steps, guidance: settings.guidance,
            solver: settings.solver.rawValue, timeShift: settings.timeShift == 1 ? nil : settings.timeShift,
            parallelGuidance: settings.parallelGuidance == 1 ? nil : settings.parallelGuidance,
            precision: model.maker.sampler.model.precision.rawValue, seed: model.seed, classes: model.labels,
            secondsPerPicture: secondsPerPicture)
    }

    var point: EvaluationReport.Point? {
        guard case .model(_, let point) = self else { return nil }
        return point
    }
}
