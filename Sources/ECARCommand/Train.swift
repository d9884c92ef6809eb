import ArgumentParser
import ECAR
import ECARAutoencoder
import ECARTraining
import Foundation
import Torch
import TorchNN

struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a model.",
        discussion: """
            The run's folder holds its configuration, log, curves, samples, checkpoints and, in `model`, the model itself.
            A run that was stopped, even by a power cut, goes on with --resume from its newest checkpoint; with --config as \
            well, --resume begins the run where there is none yet. Started by torchrun, the processes share each batch.

              ecar train --data fashion-mnist/ --config fashion-mnist --output runs/first
              ecar train --output runs/first --resume
              torchrun --no-python --nproc-per-node 8 ecar train --data latents/ --config imagenet-256-l --output runs/l --resume
            """)

    @Option(
        help: ArgumentHelp(
            "Pictures (class folders, a .tar of them, IDX or CIFAR-10 files) or a latent cache.", valueName: "path"))
    var data: String?

    @Option(
        help: ArgumentHelp(
            "The latent space's autoencoder: to encode pictures, and to draw samples.", valueName: "file|dir"))
    var autoencoder: String?

    @Option(help: ArgumentHelp("A configuration's name, such as fashion-mnist, or its file.", valueName: "name|file"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "Begin with the weights of a model of the same architecture, not with random ones.", valueName: "name|dir"))
    var from: String?

    @Option(help: ArgumentHelp("The run's folder.", valueName: "run"))
    var output: String

    @Flag(help: "Continue the run.")
    var resume = false

    @Option(help: ArgumentHelp("Change a setting, such as steps=100 or data.flip=true.", valueName: "key=value"))
    var set: [String] = []

    @Option(
        help: "The arithmetic of matrix products: f32 or bf16. (default: the configuration's)",
        transform: Precision.ofOrdinaryLayers)
    var precision: Precision?

    @Option(help: ArgumentHelp("How long to wait for a process that does not answer.", valueName: "seconds"))
    var timeout = 600.0

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
        try ManyProcesses.run(compute, timeout: timeout) { group, device in
            try run(in: group, device: device)
        }
    }

    private func run(in group: ProcessGroup?, device: Device) throws {
        if device != .cpu { try Runtime.allowTF32() }
        let url = URL(fileURLWithPath: output)
        let resumes = resume && RunDirectory.exists(url)
        let isFirst = group.map { $0.rank == 0 } ?? true
        var settings = try shared(in: group) { try readSettings(url) }
        if let data { settings.data.path = URL(fileURLWithPath: data).standardizedFileURL.path }
        if let from, isFirst { settings.from = try ModelLocator.model(from).standardizedFileURL.path }
        if let autoencoder { settings.data.autoencoder = URL(fileURLWithPath: autoencoder).standardizedFileURL.path }
        guard let path = settings.data.path else {
            throw CommandError.usage("--data is missing: the run's configuration does not say where the pictures are")
        }
        let data = try TrainingData.open(URL(fileURLWithPath: path))
        let autoencoder = try openAutoencoder(settings, for: data, device, draws: isFirst)
        try data.check(settings, autoencoder: autoencoder, processes: group?.processes ?? 1)
        if isFirst, !resumes { try settings.checkGivenModel() }
        if autoencoder == nil, isFirst, !display.quiet {
            Terminal.printError("no --autoencoder is given, so that the run will draw no samples")
        }
        settings.classNames = settings.classNames ?? data.classNames
        try Interrupt.check()

        let run =
            try !isFirst ? nil : resumes ? RunDirectory.resume(url, settings) : RunDirectory.create(url, settings)
        let trainer = try Trainer(
            settings, data, autoencoder: autoencoder, device: device, run: run, group: group)
        if trainer.isFinished {
            if isFirst, !display.quiet {
                Terminal.printError("\(output): already finished at step \(trainer.state.step)")
            }
            return try report(run, step: trainer.state.step, losses: [], seconds: 0)
        }
        let outcome = try train(trainer, run, steps: settings.steps)
        if outcome == .cancelled {
            throw CommandError(
                message: isFirst
                    ? "interrupted; step \(trainer.state.step) is saved, continue with "
                        + "`ecar train --output \(output) --resume`" : nil, status: Interrupt.status)
        }
    }

    /// The first process's configuration, in all of them: the others may not see its files.
    private func shared(in group: ProcessGroup?, _ read: () throws -> TrainingConfiguration) throws
        -> TrainingConfiguration
    {
        guard let group else { return try read() }
        let own = try group.rank == 0 ? Array(StrictJSON.encode(read())) : nil
        return try TrainingConfiguration.read(Data(group.broadcast(own)), name: "the configuration of rank 0")
    }

    /// The autoencoder, in those processes that need one: all where pictures are encoded, and the one that draws samples.
    private func openAutoencoder(
        _ settings: TrainingConfiguration, for data: TrainingData, _ device: Device, draws: Bool
    ) throws -> (any Autoencoder)? {
        guard settings.latentSpace != .pixels else { return Identity(device: device) }
        guard data.needsEncoding || draws, let path = settings.data.autoencoder else { return nil }
        let autoencoder = try ECARAutoencoder.openAutoencoder(URL(fileURLWithPath: path), device: device)
        do {
            try autoencoder.tryOut(encoding: data.needsEncoding, decoding: draws)
        } catch {
            throw CommandError.failure("\(path): \(error)")
        }
        return autoencoder
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
        var settings = try TrainingConfiguration.read(file, changes: changes)
        if resume, let begun = try? RunDirectory.readConfiguration(url) {
            settings.data.path = settings.data.path ?? begun.data.path
            settings.data.autoencoder = settings.data.autoencoder ?? begun.data.autoencoder
            settings.from = settings.from ?? begun.from
        }
        return settings
    }

    private func train(_ trainer: Trainer, _ run: RunDirectory?, steps: Int) throws -> TrainingLoop.Outcome {
        let bar = ProgressBar(
            "training", total: steps, first: trainer.state.step, unit: "steps", isQuiet: display.quiet || run == nil)
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

    private func report(_ run: RunDirectory?, step: Int, losses: [Double], seconds: Double) throws {
        guard let run else { return }
        guard display.json else { return try Terminal.print(run.model.path) }
        try Terminal.print(
            json: Report(
                run: run.url.path, model: run.model.path, step: step, losses: losses, seconds: seconds))
    }
}
