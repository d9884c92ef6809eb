import ECAREvaluation
import ECARImages
import Foundation
import Torch
import TorchNN

/// What all sets of an evaluation are measured with, prepared once.
struct EvaluationJudge {
    let network: EvaluationNetwork
    let evaluation: Evaluation
    let real: ReferenceOptions.Real
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
                neighbours: try real.copies?.search.neighbours(of: set, examples: subject.places(Self.examples)))
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
        let nearest = Dictionary(zip(wanted, try real.copies?.source.images(at: wanted) ?? [])) { first, _ in first }
        let neighbours = examples.compactMap { example in
            own[example.index].map { (sample: $0, nearest: example.nearest.compactMap { nearest[$0.index] }) }
        }
        return EvaluationPictures(classes: classes, neighbours: neighbours)
    }

    // MARK: The report

    /// - Parameter seconds: That the evaluation took.
    func report(_ runs: [EvaluationReport.Run], device: Device, seconds: Double) -> EvaluationReport {
        EvaluationReport(
            version: programVersion, date: Date(), command: Terminal.commandLine, seconds: seconds,
            machine: .init(device: "\(device)", precision: Precision.f32.rawValue, threads: Runtime.threads),
            network: network.summary, reference: reference, runs: runs, notes: notes(runs))
    }

    private var reference: EvaluationReport.PictureSet? {
        guard let reference = real.reference else { return nil }
        let (set, digest) = (reference.set, reference.statisticsDigest)
        return EvaluationReport.PictureSet(
            kind: digest == nil ? .pictures : .statistics, name: real.title, path: reference.name, count: set?.count,
            width: set?.size.width, height: set?.size.height, digest: digest ?? (try? set?.digest) ?? "",
            isLabelled: set?.labels != nil)
    }

    /// What a reader must know before comparing the scores with others.
    private func notes(_ runs: [EvaluationReport.Run]) -> [String] {
        let width = network.extractor.sizes.features
        let sides = [runs.first?.samples, reference].compactMap { $0 }
        var notes = sides.compactMap { side -> String? in
            guard let count = side.count, side.kind != .statistics, count <= width else { return nil }
            return "\(side.name) has \(count) pictures for \(width) features: Fréchet distances of so few are too large"
        }
        if case .inception(let network) = network {
            notes += network.notes
            if let reference, reference.kind == .statistics {
                notes += network.resize.notes(onStatistics: reference.name)
            }
        }
        return notes
    }
}
