import ECAR
import ECARTraining
import Foundation
import Testing
import Torch

/// What `ecar train` promises, tried on the built program.
@Suite struct TrainCommandTests {
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try Sample.writePictures(folder["pictures"])
        try StrictJSON.encode(try Sample.configuration()).write(to: folder["config.json"])
    }

    private func train(_ arguments: [String]) throws -> Program.Result {
        try Program.run(["train", "--threads", "1"] + arguments, in: folder.url)
    }

    @Test func aRunMakesAModelThatSamples() throws {
        let begin = ["--data", "pictures", "--config", "config.json", "--output", "run", "--quiet"]
        let result = try train(begin + ["--set", "steps=3", "--json"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.isEmpty)
        let report = try result.json()
        #expect(report["step"] as? Int == 3)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder["run"].path).sorted()
        #expect(names == ["checkpoints", "config.json", "log.jsonl", "loss.png", "model", "report.html", "samples"])

        // The run's own folder stands for its model, and the classes have the folders' names.
        let sample = ["sample", "--model", "run", "--class", "sandal", "--output", "a.png", "--quiet"]
        #expect(try Program.run(sample, in: folder.url).status == 0)

        #expect(try train(begin).status == 1)
        let again = try train(["--output", "run", "--resume"])
        #expect(again.status == 0)
        #expect(again.errors.contains("already finished"))
        let changed = try train(["--output", "run", "--resume", "--set", "seed=3"])
        #expect(changed.status == 1)
        #expect(changed.errors.contains("\"seed\""))
        let longer = try train(["--output", "run", "--resume", "--set", "steps=5", "--json", "--quiet"])
        #expect(try longer.json()["step"] as? Int == 5)
    }

    @Test func aRunCanBeginWithAModelsWeights() throws {
        try Sample.writeModel(folder["given"])
        let begin = ["--data", "pictures", "--config", "config.json", "--from", "given", "--quiet"]
        // So slowly that the weights stay what they were.
        let still = ["--set", "steps=1", "--set", "learningRate=1e-12", "--output", "run"]
        #expect(try train(begin + still).status == 0)
        let weights = try ["given", "run/model"].map {
            try SafeTensors.read(folder[$0].appendingPathComponent("model.safetensors")).tensors
        }
        #expect(weights[0].keys == weights[1].keys)
        for (name, tensor) in weights[0] {
            let other = try #require(weights[1][name])
            #expect(try (tensor - other).square().sum().item() < 1e-12, "\(name)")
        }
        #expect(try ModelDirectory.readDescription(folder["run/model"]).training["from"] == "given")
        try FileManager.default.removeItem(at: folder["given"])
        #expect(try train(["--output", "run", "--resume", "--set", "steps=2", "--quiet"]).status == 0)
    }

    /// Ctrl-C, and what launchers and schedulers send.
    @Test(arguments: [SIGINT, SIGTERM]) func aSignalSavesTheRun(number: Int32) throws {
        let begin = ["train", "--data", "pictures", "--config", "config.json", "--output", "run", "--threads", "1"]
        let program = try Program(begin + ["--set", "steps=1000000", "--set", "sampleEvery=1000000"], in: folder.url)
        program.waitForErrors(containing: "training")
        program.send(number)
        let result = program.wait()
        #expect(result.status == 128 + number)
        #expect(result.errors.contains("--resume"))
        #expect(try !FileManager.default.contentsOfDirectory(atPath: folder["run/checkpoints"].path).isEmpty)
    }

    private static let whole = ["--output", "run", "--config", "config.json", "--data", "pictures"]

    @Test(arguments: [
        (["--output", "run"], Int32(64), "--config"),
        (["--output", "run", "--config", "config.json"], 64, "--data"),
        (["--output", "run", "--resume"], 1, "no run to resume"),
        (whole + ["--data", "nowhere"], 1, "nowhere"),
        (whole + ["--config", "nowhere"], 1, "nowhere"),
        (whole + ["--config", "pictures"], 1, "pictures"),
        (whole + ["--output", "pictures"], 1, "not empty"),
        (whole + ["--output", "config.json"], 1, "config.json"),
        (whole + ["--set", "batchSize=64"], 1, "12 images"),
        (whole + ["--set", "data.fit=\"pad\"", "--set", "data.randomCrop=0.5"], 1, "randomCrop"),
        (whole + ["--set", "model.classes=4"], 1, "set model.classes=3\n"),
        (
            whole + ["--set", "model.classes=2", "--set", #"classNames=["a","b"]"#], 1,
            "set model.classes=3 and classNames=null"
        ),
        (whole + ["--set", #"classNames=["boot","Sneaker","sandal"]"#], 1, "class 1 is \"sandal\", which is class 2"),
        (whole + ["--set", "x=1"], 1, "\"x\""),
        (whole + ["--set", "precision=int8"], 1, "int8"),
        (whole + ["--precision", "int8"], 64, "int8"),
        (whole + ["--from", "nowhere"], 1, "nowhere"),
        (whole + ["--from", "pictures"], 1, "not a model directory"),
        (whole + ["--from", "given", "--set", "model.arDepth=2"], 1, "architecture"),
    ])
    func wrongArgumentsGetOneClearSentence(arguments: [String], status: Int32, hint: String) throws {
        try Sample.writeModel(folder["given"])
        let result = try train(arguments + ["--quiet"])
        #expect(result.status == status, "\(result.errors)")
        #expect(result.errors.contains(hint), "\(result.errors)")
        #expect(result.output.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: folder["run"].path), "a run that never began left its folder")
    }
}
