import ECAREvaluation
import ECARImages
import ECARPictures
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
    func run(
        _ subject: EvaluationSubject, _ set: FeatureSet, secondsPerPicture: Double?, isQuiet: Bool
    ) throws -> EvaluationReport.Run {
        let known = network.labelled(set)
        let metrics = evaluation.metrics
        let classes = network.extractor.sizes.classes
        if metrics.contains(where: { $0.need == .labels }), let labels = known.labels,
            let label = labels.first(where: { !(0..<classes).contains($0) })
        {
            throw CommandError.failure("\(set.name): its label \(label) is none of the classifier's 0…\(classes - 1)")
        }
        do {
            let scores = try ProgressBar.during("measuring", unit: "scores", isQuiet: isQuiet) { progress in
                var done = 0
                return try evaluation.scores(known) { metric in
                    try Interrupt.check()
                    progress(done, metrics.count, metric.rawValue)
                    done += 1
                }
            }
            try Interrupt.check()
            return EvaluationReport.Run(
                samples: try subject.side(set), model: subject.model(secondsPerPicture: secondsPerPicture),
                point: subject.point, scores: scores, classes: try classResults(known),
                neighbours: try real.copies?.search.neighbours(of: set, examples: subject.places(Self.examples)))
        } catch let error as TorchError {
            throw CommandError.failure("\(set.name): \(error)")
        }
    }

    private func classResults(_ known: FeatureSet) throws -> [EvaluationReport.ClassResult] {
        guard case .classifier(let classifier) = network, evaluation.metrics.contains(.accuracy) else { return [] }
        return try Evaluation.classes(known, of: classifier.configuration)
    }

    /// What the page shows of a set.
    func pictures(
        _ subject: EvaluationSubject, _ set: FeatureSet, of run: EvaluationReport.Run?
    ) throws -> EvaluationPictures {
        let shown = EvaluationSubject.shown
        let (places, images) = (subject.places(shown), try subject.images(shown))
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
    func report(_ runs: [EvaluationReport.Run], device: Device, seconds: Double) throws -> EvaluationReport {
        let reference = try real.reference.map(side)
        return EvaluationReport(
            version: programVersion, date: Date(), command: Terminal.commandLine, seconds: seconds,
            machine: .init(device: "\(device)", precision: Precision.f32.rawValue, threads: Runtime.threads),
            network: network.summary, reference: reference, runs: runs,
            notes: notes(runs, reference))
    }

    private func side(_ reference: Reference) throws -> EvaluationReport.PictureSet {
        let (set, statistics) = (reference.set, reference.statisticsDigest)
        return EvaluationReport.PictureSet(
            kind: statistics == nil ? .pictures : .statistics, name: real.title, path: reference.name,
            count: set?.count, width: set?.size.width, height: set?.size.height,
            digest: try statistics ?? set?.digest ?? "", isLabelled: set?.labels != nil)
    }

    /// What a reader must know before comparing the scores with others.
    private func notes(_ runs: [EvaluationReport.Run], _ reference: EvaluationReport.PictureSet?) -> [String] {
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
        if runs.contains(where: { $0.model != nil && $0.neighbours != nil }), !real.isTraining {
            notes.append(
                "Copies were looked for in \(real.title): whether the model repeats what it learned from, only the pictures "
                    + "that it learned from can tell (--training)")
        }
        return notes
    }
}
