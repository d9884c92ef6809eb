import ECAR
import ECARAutoencoder
import Files
import Foundation
import Torch

/// Keeps a run's folder: the log, samples, checkpoints, the model, and the pages that show them.
final class RunRecord {
    let run: RunDirectory
    private let data: TrainingData
    private let source: TrainingData.Source
    private let sheet: SampleSheet?
    private let classNames: [String]
    private let log: TrainingLog
    private var reported = ContinuousClock.now
    /// The page's pictures, of the sheets drawn so far.
    private var pictures: ReportPictures?

    /// The time between two writings of the page where nothing else is written.
    private static let reportInterval = Duration.seconds(60)

    /// - Parameter step: How far the run is: later lines of the log are dropped.
    init(
        _ run: RunDirectory, _ data: TrainingData, _ source: TrainingData.Source, autoencoder: (any Autoencoder)?,
        step: Int
    ) throws {
        (self.run, self.data, self.source) = (run, data, source)
        classNames = run.configuration.classNames ?? data.classNames
        sheet = autoencoder.map { [classNames] in
            SampleSheet(
                configuration: run.configuration, classNames: classNames, autoencoder: $0,
                latentScale: data.latentScale(run.configuration.latentSpace))
        }
        log = try TrainingLog(run.log, upTo: step)
        try Folder.make(run.samples)
        try Folder.make(run.checkpoints)
    }

    /// The newest losses l_s of the log.
    var losses: [Double] { log.entries.last?.losses ?? [] }

    /// Whether the model and the samples are there as this state makes them.
    func isComplete(_ state: TrainingState) -> Bool {
        (try? ModelDirectory.readDescription(run.model)) == description(state) && !lacksSamples(of: state.step)
    }

    /// Whether no sheet of samples has been drawn at a step, where any are drawn.
    func lacksSamples(of step: Int) -> Bool {
        sheet != nil && !FileManager.default.fileExists(atPath: run.sampleSheet(step: step).path)
    }

    func append(_ entry: LogEntry) throws {
        try log.append(entry)
        if ContinuousClock.now - reported > Self.reportInterval { try writeReport(.running) }
    }

    /// The checkpoint first, for all else can be made from it again: samples, the model, the curves, the page.
    func save(
        _ state: TrainingState, checkpoint: Bool = true, samples: Bool = false, as progress: RunReport.State
    ) throws {
        if checkpoint { try run.save(state, source) }
        if samples, let sheet {
            let image = try sheet.render(state.averagedModel, title: "step \(state.step)")
            try image.write(to: run.sampleSheet(step: state.step))
            pictures = nil
        }
        if checkpoint { try writeModel(state) }
        if checkpoint, !log.entries.isEmpty {
            try log.chart(title: run.url.lastPathComponent).render().write(to: run.chart)
        }
        try writeReport(progress)
    }

    private func writeModel(_ state: TrainingState) throws {
        let tensors = Array(zip(state.model.parameters.names, state.optimization.average.tensors))
        let dtype: DType = run.configuration.weights == .bf16 ? .bfloat16 : .float32
        // File by file, for the folder may hold what others have put there, such as an autoencoder.
        try ModelDirectory.save(description(state), tensors: tensors, dtype: dtype, to: run.model)
    }

    func writeReport(_ progress: RunReport.State) throws {
        reported = .now
        let pictures = pictures ?? ReportPictures(run.sampleSheets)
        self.pictures = pictures
        let page = try RunReport(
            configuration: run.configuration, pictures: data.count, entries: log.entries, folder: run.url,
            samples: pictures, state: progress, date: .now
        ).html()
        try writeAtomically(Data(page.utf8), to: run.report)
    }

    /// The model's own account of itself. It names no time or place, so that equal runs give equal files.
    private func description(_ state: TrainingState) -> ModelDescription {
        let configuration = run.configuration
        let from = configuration.from.map { ["from": URL(fileURLWithPath: $0).lastPathComponent] } ?? [:]
        return ModelDescription(
            architecture: configuration.model, latentSpace: configuration.latentSpace,
            latentScale: data.latentScale(configuration.latentSpace), classNames: classNames,
            sampling: configuration.sampling,
            training: [
                "data": URL(fileURLWithPath: configuration.data.path ?? data.name).lastPathComponent,
                "pictures": "\(data.count)",
                "step": "\(state.step)", "steps": "\(configuration.steps)",
                "batchSize": "\(configuration.batchSize)", "learningRate": "\(configuration.learningRate)",
                "precision": configuration.precision.rawValue, "emaDecay": "\(configuration.emaDecay)",
                "seed": "\(configuration.seed)",
            ].merging(from) { own, _ in own })
    }
}
