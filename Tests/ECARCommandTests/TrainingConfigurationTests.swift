import ECAR
import ECARTraining
import Foundation
import Testing

@Suite struct TrainingConfigurationTests {
    @Test(arguments: [
        "tiny", "fashion-mnist", "fashion-mnist-fig5", "fashion-mnist-fig5-ablation", "cifar10", "flowers",
        "flowers-continued", "flowers-balanced",
        "flowers-256", "imagenet-256-s", "imagenet-256-b", "imagenet-256-l",
    ])
    func shippedConfigurationsAreValid(name: String) throws {
        let file = Sample.root.appendingPathComponent("Configs/\(name).json")
        let configuration = try TrainingConfiguration.read(file)
        let again = try TrainingConfiguration.read(try StrictJSON.encode(configuration), name: name)
        #expect(again == configuration)
    }

    @Test func changesReachEveryLevel() throws {
        let configuration = try Sample.configuration([
            "steps=7", "data.flip=true", "gradNorm=null", "model.sides=[16,32,64]", "schedule=constant", "about=a test",
        ])
        #expect(configuration.steps == 7)
        #expect(configuration.data.flip)
        #expect(configuration.gradNorm == nil)
        #expect(configuration.model.sides == [16, 32, 64])
        #expect(configuration.schedule == .constant)
        #expect(configuration.about == "a test")
    }

    @Test(arguments: [
        ("stepps=7", "unknown key \"stepps\""),
        ("stepps=null", "unknown key \"stepps\""),
        ("data.flop=true", "unknown key \"data.flop\""),
        ("gradNorm.beta=1", "gradNorm.beta"),
        ("muon.learningRate=0", "muon.momentum"),
        (#"muon={"learningRate":0,"momentum":0.9}"#, "muon.learningRate must be positive"),
        (#"muon={"learningRate":0.1,"momentum":1}"#, "muon.momentum must be in [0, 1)"),
        ("steps.first=1", "no keys of its own"),
        ("steps", "key=value"),
        ("=3", "key=value"),
        ("steps=many", "\"steps\" has the wrong type"),
        ("steps=1.5", "--set"),
        ("schedule=linear", "schedule"),
        ("steps=0", "steps must be at least 1"),
        ("microBatches=3", "not a multiple of 3"),
        ("stageShares=[1,1]", "stageShares must be 3"),
        ("stageShares=[0.5,0.5,0.5]", "stageShares must be 3"),
        ("stageShares=[1,0.2,0.3]", "stageShares must be 3"),
        ("stageShares=[1,1,0]", "stageShares must be 3"),
        ("data.classBalance=1.5", "data.classBalance must be in 0…1"),
        ("learningRate=-1", "learningRate must be positive"),
        ("labelDropout=1", "labelDropout"),
        ("model.signal=[0,0,1]", "signal"),
        ("sampling.steps=[1,1]", "3 stages"),
        ("classNames=[\"one\"]", "1 classNames for 3 classes"),
        ("model.channels=4", "model.channels cannot be 4"),
    ])
    func wrongChangesAreNamed(change: String, expected: String) {
        let error = #expect(throws: ECARError.self) { try Sample.configuration([change]) }
        #expect(error?.message.contains(expected) == true, "\(error?.message ?? "no error")")
    }

    @Test func tokensAreBounded() throws {
        let error = #expect(throws: ECARError.self) {
            try Sample.configuration(["model.sides=[1024,2048,4096]", "model.width=16384"])
        }
        #expect(error?.message.contains("--set: model configuration: 1376256 tokens of width 16384") == true)
    }

    @Test func missingAndUnknownKeysAreNamed() throws {
        let data = try StrictJSON.encode(try Sample.configuration())
        var object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        object["emaDecay"] = nil
        try expectError("emaDecay", reading: object)
        object["emaDecay"] = 0.9
        object["learningrate"] = 1
        try expectError("learningrate", reading: object)
    }

    private func expectError(_ key: String, reading object: [String: Any]) throws {
        let data = try JSONSerialization.data(withJSONObject: object)
        let error = #expect(throws: ECARError.self) { try TrainingConfiguration.read(data, name: "here.json") }
        #expect(error?.message.contains(key) == true && error?.message.contains("here.json") == true)
    }

    @Test func onlyHarmlessKeysMayChangeInARun() throws {
        let configuration = try Sample.configuration()
        let longer = try Sample.configuration(["steps=99", "logEvery=3", "keepCheckpoints=1"])
        #expect(try configuration.firstDifference(from: longer) == nil)
        let steeper = try Sample.configuration(["gradNorm.alpha=0.5"])
        #expect(try configuration.firstDifference(from: steeper) == "gradNorm.alpha")
        let fixed = try Sample.configuration(["gradNorm=null"])
        #expect(try configuration.firstDifference(from: fixed) == "gradNorm")
    }
}
