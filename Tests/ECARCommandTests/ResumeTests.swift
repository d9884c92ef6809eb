import ECAR
import ECARAutoencoder
import ECARImages
import ECARTraining
import Files
import Foundation
import Testing
import Torch

/// A run that was stopped goes on as if it never had been.
@Suite(.serialized) struct ResumeTests {
    private let folder: TestFolder
    private let data: TrainingData

    init() throws {
        try Runtime.setThreads(1)
        folder = try TestFolder()
        try Sample.writePictures(folder["pictures"])
        data = try .open(folder["pictures"])
    }

    private func train(
        _ name: String, _ changes: [String] = [], resumes: Bool = false, isCancelled: () -> Bool = { false },
        report: (TrainingProgress) -> Void = { _ in }
    ) throws -> TrainingLoop.Outcome {
        let configuration = try Sample.configuration(changes)
        let run = try resumes ? RunDirectory.resume(folder[name], configuration) : .create(folder[name], configuration)
        return try Trainer(configuration, data, autoencoder: Identity(), device: .cpu, run: run)
            .train(isCancelled: isCancelled, report: report)
    }

    /// All of a run's results, without what depends on the clock.
    private func results(_ name: String, step: Int = 12) throws -> [String: Data] {
        var results: [String: Data] = [:]
        let checkpoint = "checkpoints/" + String(format: "%08d", step)
        for file in [
            "\(checkpoint)/weights.safetensors", "\(checkpoint)/ema.safetensors", "\(checkpoint)/optimizer.safetensors",
            "model/model.safetensors", "model/config.json", "samples/00000012.png",
        ] {
            results[file] = try Data(contentsOf: folder[name].appendingPathComponent(file))
        }
        for file in ["log.jsonl", "\(checkpoint)/state.json"] {
            let text = try String(contentsOf: folder[name].appendingPathComponent(file), encoding: .utf8)
            results[file] = Data(text.replacing(#/"seconds" ?: ?[0-9.e-]+/#, with: "").utf8)
        }
        return results
    }

    private func expect(_ name: String, toHave expected: [String: Data]) throws {
        let found = try results(name)
        for (file, data) in expected { #expect(found[file] == data, "\(name)/\(file)") }
    }

    @Test(arguments: [[], [#"muon={"learningRate":0.002,"momentum":0.95}"#, "data.classBalance=1"]])
    func cancelledAndKilledRunsGiveTheSameBits(changes: [String]) throws {
        #expect(try train("whole", changes) == .finished)
        let expected = try results("whole")
        let optimizer = folder["whole"].appendingPathComponent("checkpoints/00000012/optimizer.safetensors")
        let moments = Set(try SafeTensors.read(optimizer).tensors.keys)
        let hasMuon = !changes.isEmpty
        for matrix in ["ar.blocks.0.attention.qkv.weight", "heads.0.blocks.0.mlp.in.weight"] {
            #expect(moments.contains("momentum." + matrix) == hasMuon)
            #expect(moments.contains("square." + matrix) == !hasMuon)
        }
        #expect(moments.isSuperset(of: ["mean.ar.positions.0", "square.heads.0.blocks.0.modulation.weight"]))

        var steps = 0
        let outcome = try train("cancelled", changes, isCancelled: { steps == 7 }, report: { steps = $0.step })
        #expect(outcome == .cancelled)
        #expect(try train("cancelled", changes, resumes: true) == .finished)
        // Cancelling leaves one checkpoint more; what it leads to is the same.
        try expect("cancelled", toHave: expected)

        // What a power cut in step 9 leaves: the checkpoint of step 5, a longer log with half a line, half-written files.
        let copy: (TrainingProgress) -> Void = { progress in
            if progress.step == 9 { try? FileManager.default.copyItem(at: folder["source"], to: folder["killed"]) }
        }
        _ = try train("source", changes, report: copy)
        let killed = folder["killed"]
        let half = killed.appendingPathComponent("checkpoints/.00000010.partial")
        try FileManager.default.createDirectory(at: half, withIntermediateDirectories: true)
        try Data("half".utf8).write(to: half.appendingPathComponent("weights.safetensors"))
        try Data("half".utf8).write(to: killed.appendingPathComponent("model/.model.safetensors.1.partial"))
        // And what is the user's own.
        for name in [".gitignore", "model/card.md"] {
            try Data("mine".utf8).write(to: killed.appendingPathComponent(name))
        }
        let log = try FileHandle(forWritingTo: killed.appendingPathComponent("log.jsonl"))
        try log.seekToEnd()
        try log.write(contentsOf: Data(#"{"step":10,"los"#.utf8))
        try log.close()
        #expect(try train("killed", changes, resumes: true) == .finished)
        try expect("killed", toHave: expected)
        #expect(!FileManager.default.fileExists(atPath: half.path))
        let names = try FileManager.default.contentsOfDirectory(atPath: killed.appendingPathComponent("model").path)
        #expect(names.sorted() == ["card.md", "config.json", "model.safetensors"])
        #expect(FileManager.default.fileExists(atPath: killed.appendingPathComponent(".gitignore").path))
    }

    @Test func aProgramKilledAgainAndAgainGivesTheSameBits() throws {
        let configuration = folder["config.json"]
        try StrictJSON.encode(try Sample.configuration(["steps=12", "checkpointEvery=1"])).write(to: configuration)
        let start = ["train", "--data", "pictures", "--config", configuration.path, "--threads", "1", "--quiet"]
        #expect(try Program.run(start + ["--output", "whole"], in: folder.url).status == 0)

        // Killed a random moment after a new checkpoint, again and again.
        let checkpoints = folder["killed/checkpoints"].path
        func newest() -> String { (try? FileManager.default.contentsOfDirectory(atPath: checkpoints).max()) ?? "" }
        func hasRun() -> Bool { FileManager.default.fileExists(atPath: folder["killed/config.json"].path) }
        var resumes = 0
        for _ in 0..<4 {
            let before = newest()
            if !before.isEmpty { resumes += 1 }
            let arguments = hasRun() ? ["train", "--resume", "--threads", "1"] : start
            let program = try Program(arguments + ["--output", "killed"], in: folder.url)
            while program.isRunning, newest() == before { Thread.sleep(forTimeInterval: 0.001) }
            Thread.sleep(forTimeInterval: Double.random(in: 0...0.005))
            program.send(SIGKILL)
            _ = program.wait()
        }
        #expect(resumes >= 2, "the program should have resumed from checkpoints")
        let last = hasRun() ? ["train", "--resume", "--threads", "1", "--quiet"] : start
        #expect(try Program.run(last + ["--output", "killed"], in: folder.url).status == 0)
        try expect("killed", toHave: results("whole"))
    }

    @Test func onlyTheNewestCheckpointsStay() throws {
        _ = try train("run", ["keepCheckpoints=1", "checkpointEvery=3"])
        let names = try FileManager.default.contentsOfDirectory(atPath: folder["run/checkpoints"].path)
        #expect(names == ["00000012"])
    }

    @Test func aFinishedRunCanGoOnForMoreSteps() throws {
        _ = try train("run", ["steps=4"])
        do {
            let run = try RunDirectory.resume(folder["run"], try Sample.configuration(["steps=4"]))
            #expect(
                try Trainer(
                    run.configuration, data, autoencoder: Identity(), device: .cpu, run: run
                ).isFinished)
        }
        var last = 0
        #expect(try train("run", ["steps=6"], resumes: true, report: { last = $0.step }) == .finished)
        #expect(last == 6)
    }

    /// Killed between a checkpoint and its sheet, in the middle and at the end.
    @Test func samplesThatAreMissingAreDrawnLater() throws {
        var steps = 0
        _ = try train("run", isCancelled: { steps == 6 }, report: { steps = $0.step })
        let sheets = ["run/samples/00000006.png", "run/samples/00000012.png"].map { folder[$0] }
        for sheet in sheets {
            if !FileManager.default.fileExists(atPath: sheet.path) {
                #expect(try train("run", resumes: true) == .finished)
            }
            let expected = try Data(contentsOf: sheet)
            try FileManager.default.removeItem(at: sheet)
            #expect(try train("run", resumes: true) == .finished)
            #expect(try Data(contentsOf: sheet) == expected)
            let page = try String(contentsOf: folder["run/report.html"], encoding: .utf8)
            #expect(page.contains("finished") && !page.contains("http-equiv=\"refresh\""))
        }
    }

    @Test func aDamagedLogIsNotThrownAway() throws {
        _ = try train("run")
        let log = folder["run/log.jsonl"]
        let damaged = Data("{}\n".utf8) + (try Data(contentsOf: log))
        try damaged.write(to: log)
        let error = #expect(throws: ECARError.self) { try train("run", resumes: true) }
        #expect(error?.message.contains("log.jsonl: line 1 is damaged") == true)
        #expect(try Data(contentsOf: log) == damaged)
    }

    @Test(arguments: ["null", "[1,1,0.5]"]) func microBatchesAddUpToTheBatch(stageShares: String) throws {
        var losses: [[Double]] = []
        for parts in [1, 2] {
            let keep: (TrainingProgress) -> Void = { if $0.step == 12 { losses.append($0.losses) } }
            _ = try train("run\(parts)", ["microBatches=\(parts)", "stageShares=\(stageShares)"], report: keep)
        }
        try #require(losses.count == 2)
        for (whole, sum) in zip(losses[0], losses[1]) { #expect(abs(whole - sum) < 1e-3) }
    }

    @Test func divergenceStopsTheRunAndKeepsTheCheckpoint() throws {
        let error = #expect(throws: ECARError.self) {
            try train("run", ["learningRate=1e30", "clipNorm=0", "warmupSteps=6", "checkpointEvery=1", "steps=50"])
        }
        #expect(error?.message.contains("diverged") == true)
        let newest = try #require(
            FileManager.default.contentsOfDirectory(atPath: folder["run/checkpoints"].path).max())
        let weights = try SafeTensors.read(folder["run/checkpoints/\(newest)/weights.safetensors"]).tensors
        #expect(try !weights.isEmpty && weights.values.allSatisfy { try $0.isFinite() })
    }

    @Test func aRunIsNotBegunTwiceNorSharedNorChanged() throws {
        let configuration = try Sample.configuration()
        let run = try RunDirectory.create(folder["run"], configuration)
        #expect(throws: ECARError.self) { try RunDirectory.create(folder["run"], configuration) }
        let busy = #expect(throws: FileError.self) { try RunDirectory.resume(folder["run"], configuration) }
        #expect(busy?.cause.contains("another process") == true)
        let changed = try Sample.configuration(["beta1=0.5"])
        let error = #expect(throws: ECARError.self) { try RunDirectory.resume(folder["run"], changed) }
        #expect(error?.message.contains("\"beta1\"") == true)
        #expect(throws: ECARError.self) { try RunDirectory.resume(folder["nowhere"], configuration) }
        #expect(throws: ECARError.self) { try RunDirectory.create(folder["pictures"], configuration) }
        withExtendedLifetime(run) {}
    }
}
