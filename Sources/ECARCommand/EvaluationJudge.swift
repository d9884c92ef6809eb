import ECAREvaluation
import ECARImages
import Foundation
import Torch

/// What all sets of an evaluation are measured with, prepared once.
struct EvaluationJudge {
    let network: EvaluationNetwork
    let evaluation: Evaluation
    /// Where copies are looked for, and the pictures themselves.
    let copies: ReferenceOptions.Copies?
    /// How many samples are laid beside their nearest real pictures.
    private static let examples = 24

    /// The scores of a set, and what goes with them.
    func run(_ subject: EvaluationSubject, _ set: FeatureSet, secondsPerPicture: Double?) throws -> EvaluationReport.Run
    {
        let known = network.labelled(set)
        let classes: [EvaluationReport.ClassResult] =
            switch network {
            case .classifier(let classifier) where evaluation.metrics.contains(.accuracy):
                try Evaluation.classes(known, of: classifier.configuration)
            default: []
            }
        do {
            return EvaluationReport.Run(
                samples: try subject.side(set), model: subject.model(secondsPerPicture: secondsPerPicture),
                point: subject.point, scores: try evaluation.scores(known), classes: classes,
                neighbours: try copies?.search.neighbours(of: set, examples: subject.places(Self.examples)))
        } catch let error as TorchError {
            throw CommandError.failure("\(set.name): \(error)")
        }
    }

    /// What the page shows of a set.
    func pictures(
        _ subject: EvaluationSubject, _ set: FeatureSet, of run: EvaluationReport.Run?
    ) throws -> EvaluationPictures {
        let (places, images) = (
            subject.places(EvaluationSubject.shown), try subject.images(EvaluationSubject.shown, network.extractor)
        )
        var classes: [(name: String?, samples: [Image])] = []
        for (place, image) in zip(places, images) {
            let name = set.className(place)
            if let known = classes.firstIndex(where: { $0.name == name }) {
                classes[known].samples.append(image)
            } else {
                classes.append((name, [image]))
            }
        }
        let examples = run?.neighbours?.samples ?? []
        let own = Dictionary(zip(places, images)) { first, _ in first }
        let wanted = examples.flatMap { $0.nearest.map(\.index) }
        let real = Dictionary(zip(wanted, try copies?.source.images(at: wanted) ?? [])) { first, _ in first }
        let neighbours = examples.compactMap { example in
            own[example.index].map { (sample: $0, nearest: example.nearest.compactMap { real[$0.index] }) }
        }
        return EvaluationPictures(classes: classes, neighbours: neighbours)
    }
}
