import ECAR
import ECARImages
import Files
import Foundation
import Torch

/// The folder of a training run.
///
///     config.json   log.jsonl   loss.png   report.html   samples/STEP.png   checkpoints/STEP/   model/
///
/// Checkpoints, and the files of the model and the pictures, appear whole or not at all, so a run killed at any moment can be resumed; half a line
/// at the end of the log is dropped then.
public final class RunDirectory {
    public let url: URL
    public private(set) var configuration: TrainingConfiguration
    /// Keeps other processes out until this object, or this process, is gone.
    private let lock: FolderLock

    public var log: URL { url.appendingPathComponent("log.jsonl") }
    public var chart: URL { url.appendingPathComponent("loss.png") }
    /// The page to watch the run on.
    public var report: URL { url.appendingPathComponent("report.html") }
    public var samples: URL { url.appendingPathComponent("samples") }
    public var checkpoints: URL { url.appendingPathComponent("checkpoints") }
    /// The finished model, of the average weights at the last checkpoint.
    public var model: URL { url.appendingPathComponent("model") }

    private static let busy = "is a run that another process is training"

    private static func configurationFile(_ url: URL) -> URL { url.appendingPathComponent("config.json") }

    // MARK: Opening

    /// Begins a run in a new or empty folder.
    ///
    /// - Throws: `ECARError` where there is one already, or the folder holds other things.
    public static func create(_ url: URL, _ configuration: TrainingConfiguration) throws -> RunDirectory {
        if exists(url) {
            throw ECARError("\(url.path): there is a run already; continue it with --resume, or choose another folder")
        }
        if let name = Folder.names(url).first(where: { !$0.hasPrefix(".") }) {
            throw ECARError("\(url.path): the folder is not empty (\(name)); choose another one for the run")
        }
        try Folder.make(url)
        let lock = try FolderLock(url, busy: busy)
        let run = RunDirectory(url, configuration, lock)
        try run.writeConfiguration()
        return run
    }

    /// Whether there is a run in the folder.
    public static func exists(_ url: URL) -> Bool {
        FileManager.default.fileExists(atPath: configurationFile(url).path)
    }

    /// The configuration of an existing run.
    ///
    /// - Throws: `ECARError` where there is none, or it is not valid.
    public static func readConfiguration(_ url: URL) throws -> TrainingConfiguration {
        let file = configurationFile(url)
        guard let data = try? Data(contentsOf: file) else {
            throw ECARError("\(url.path): there is no run to resume; start one without --resume")
        }
        return try TrainingConfiguration.read(data, name: file.path)
    }

    /// Opens a run to continue it, and removes what a killed process has left half-written.
    ///
    /// - Throws: `ECARError` naming the key where the configuration differs in one that may not change.
    public static func resume(_ url: URL, _ configuration: TrainingConfiguration) throws -> RunDirectory {
        let existing = try readConfiguration(url)
        if let key = try existing.firstDifference(from: configuration) {
            throw ECARError("\(url.path): \"\(key)\" cannot change while a run goes on; start a new run for it")
        }
        let run = RunDirectory(url, configuration, try FolderLock(url, busy: busy))
        for folder in [url, run.checkpoints, run.samples, run.model] { Folder.removeLeftovers(in: folder) }
        if existing != configuration { try run.writeConfiguration() }
        return run
    }

    private init(_ url: URL, _ configuration: TrainingConfiguration, _ lock: FolderLock) {
        (self.url, self.configuration, self.lock) = (url, configuration, lock)
    }

    private func writeConfiguration() throws {
        try writeAtomically(StrictJSON.encode(configuration), to: Self.configurationFile(url))
    }

    // MARK: Checkpoints

    /// Names sort as the steps do.
    static func name(step: Int) -> String {
        let digits = String(step)
        return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }

    func checkpoint(step: Int) -> URL { checkpoints.appendingPathComponent(Self.name(step: step)) }
    func sampleSheet(step: Int) -> URL { samples.appendingPathComponent(Self.name(step: step) + ".png") }

    /// The sheets of samples, in the order of their steps.
    var sampleSheets: [URL] {
        Folder.names(samples).compactMap { $0.hasSuffix(".png") ? Int($0.dropLast(4)) : nil }.sorted().map(sampleSheet)
    }

    /// The steps of the whole checkpoints, ascending.
    public var checkpointSteps: [Int] { Folder.names(checkpoints).compactMap { Int($0) }.sorted() }

    /// Writes a checkpoint and removes those that are too old.
    func save(_ state: TrainingState, _ source: TrainingData.Source) throws {
        let target = checkpoint(step: state.step)
        if !Folder.exists(target) {
            try Folder.make(target) { try Checkpoint.write(state, source, to: $0) }
        }
        for step in checkpointSteps.dropLast(configuration.keepCheckpoints) {
            try Folder.remove(checkpoint(step: step))
        }
    }

    /// The newest checkpoint's state, or the beginning of the run.
    func restore(_ source: TrainingData.Source, device: Device, group: ProcessGroup?) throws -> TrainingState {
        guard let step = checkpointSteps.last else {
            return try TrainingState(configuration, weights: configuration.givenWeights(), device: device, group: group)
        }
        return try Checkpoint.read(
            checkpoint(step: step), configuration: configuration, source, device: device, group: group)
    }
}
