import ArgumentParser
import ECAR
import ECARImages
import ECARTraining
import Foundation
import Torch
import TorchNN

struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a model.",
        discussion: """
            The run's folder holds its configuration, log, curves, samples, checkpoints and, in `model`, the model itself.
            A run that was stopped, even by a power cut, goes on with --resume from its newest checkpoint.

              ecar train --data fashion-mnist/ --config fashion-mnist --output runs/first
              ecar train --output runs/first --resume
            """)

    @Option(help: ArgumentHelp("Pictures: class folders, a .tar of them, IDX or CIFAR-10 files.", valueName: "path"))
    var data: String?

    @Option(help: ArgumentHelp("A configuration's name, such as fashion-mnist, or its file.", valueName: "name|file"))
    var config: String?

    @Option(help: ArgumentHelp("The run's folder.", valueName: "run"))
    var output: String

    @Flag(help: "Continue the run.")
    var resume = false

    @Option(help: ArgumentHelp("Change a setting, such as steps=100 or data.flip=true.", valueName: "key=value"))
    var set: [String] = []

    @Option(help: "The arithmetic of matrix products: f32 or bf16. (default: the configuration's)")
    var precision: Precision?

    @OptionGroup var compute: ComputeOptions
    @OptionGroup var display: OutputOptions

    private struct Report: Encodable {
        let run, model: String
        let step: Int
        let losses: [Double]
        let seconds: Double
    }

    func validate() throws {
        if !resume, config == nil {
            throw ValidationError("--config is missing: name a configuration, or --resume a run")
        }
        if !resume, data == nil { throw ValidationError("--data is missing: say where the pictures are") }
    }

    func run() throws {
        Interrupt.install()
        let device = try compute.prepare()
        if device != .cpu { try Runtime.allowTF32() }
        let url = URL(fileURLWithPath: output)
        var settings = try readSettings(url)
        if let data { settings.data.path = URL(fileURLWithPath: data).standardizedFileURL.path }
        guard let path = settings.data.path else {
            throw CommandError.usage("--data is missing: the run's configuration does not say where the pictures are")
        }
        let dataset = try openDataset(URL(fileURLWithPath: path))
        try Trainer.check(settings, dataset)
        settings.classNames = settings.classNames ?? dataset.classNames
        try Interrupt.check()

        let run = try resume ? RunDirectory.resume(url, settings) : RunDirectory.create(url, settings)
        let trainer = try Trainer(run: run, dataset: dataset, device: device)
        if trainer.isFinished {
            if !display.quiet { Terminal.printError("\(output): already finished at step \(trainer.state.step)") }
            return try report(run, step: trainer.state.step, losses: [], seconds: 0)
        }
        let outcome = try train(trainer, run)
        if outcome == .cancelled {
            throw CommandError(
                message: "interrupted; step \(trainer.state.step) is saved, continue with "
                    + "`ecar train --output \(output) --resume`", status: 130)
        }
    }

    /// The configuration's file, or, on resuming, the run's own, with the wanted changes.
    private func readSettings(_ url: URL) throws -> TrainingConfiguration {
        let file: URL
        if let config {
            file = try ModelLocator.configuration(config)
        } else {
            _ = try RunDirectory.readConfiguration(url)
            file = url.appendingPathComponent("config.json")
        }
        let changes = set + (precision.map { ["precision=\"\($0.rawValue)\""] } ?? [])
        guard let data = try? Data(contentsOf: file) else { throw CommandError.failure("\(file.path): cannot be read") }
        return try TrainingConfiguration.read(data, name: file.path, changes: changes)
    }

    private func train(_ trainer: Trainer, _ run: RunDirectory) throws -> Trainer.Outcome {
        let bar = ProgressBar(
            "training", total: run.configuration.steps, first: trainer.state.step, unit: "steps",
            isQuiet: display.quiet)
        var last: TrainingProgress?
        let outcome = try trainer.train(isCancelled: { Interrupt.isRaised }) { progress in
            last = progress
            let losses = progress.losses.map { String(format: "%.4f", $0) }.joined(separator: " ")
            bar.update(progress.step, note: losses.isEmpty ? "" : "loss \(losses)")
        }
        bar.finish()
        if outcome == .finished {
            try report(run, step: trainer.state.step, losses: last?.losses ?? [], seconds: last?.seconds ?? 0)
        }
        return outcome
    }

    private func report(_ run: RunDirectory, step: Int, losses: [Double], seconds: Double) throws {
        guard display.json else { return try Terminal.print(run.model.path) }
        try Terminal.print(
            json: Report(
                run: run.url.path, model: run.model.path, step: step, losses: losses, seconds: seconds))
    }
}
