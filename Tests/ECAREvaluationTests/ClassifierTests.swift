import ECAR
import ECAREvaluation
import ECARImages
import Foundation
import TestSupport
import Testing
import Torch
import TorchNN

/// The classifier against PyTorch (Scripts/classifier_fixtures.py), and its files.
@Suite struct ClassifierTests {
    private let fixture: TensorFile
    private let configuration: ClassifierConfiguration
    private let classifier: Classifier

    init() throws {
        fixture = try TensorFile("classifier")
        let json = try #require(fixture.metadata["config"])
        configuration = try StrictJSON.decode(ClassifierConfiguration.self, from: Data(json.utf8), name: "fixture")
        let names = try Classifier(configuration, Parameters(.fresh(Generator(seed: 0)))).parameters.names
        var weights: [String: Tensor] = [:]
        for name in names { weights[name] = try fixture[name].clone().requiringGradient() }
        classifier = try Classifier(configuration, Parameters(.weights(weights)))
    }

    @Test func agreesWithPyTorch() throws {
        let (features, logits) = try classifier.logits(fixture["pictures"])
        try expectEqual(features, fixture["features"], "features")
        try expectEqual(logits, fixture["logits"], "logits")
        let found = try classifier(fixture["pictures"])
        try expectEqual(try #require(found.probabilities), fixture["probabilities"], "probabilities")
    }

    @Test func lossAndGradientsAgreeWithPyTorch() throws {
        let loss = try classifier.loss(fixture["pictures"], labels: fixture["labels"].integers(), smoothing: 0.1)
        #expect(try abs(loss.item() - fixture["loss"].item()) < 1e-5)
        let slopes = try gradients(of: [loss], with: classifier.parameters.tensors)
        for (name, slope) in zip(classifier.parameters.names, slopes) {
            try expectEqual(slope, fixture["gradient.\(name)"], tolerance: 1e-4, name)
        }
    }

    /// Other pictures are fitted to the network as a data set's are.
    @Test func picturesOfAnotherShapeAreFitted() throws {
        var pixels = SplitMix64(seed: 3)
        let image = try Image(
            width: 24, height: 20, channels: 1, pixels: (0..<480).map { _ in UInt8(pixels.below(256)) })
        let square = try image.croppedSquare().resized(width: 16, height: 16).converted(channels: 3)
        func features(_ image: Image) throws -> Tensor {
            let picture = try Tensor(
                bytes: image.planes, shape: [1, image.channels, image.height, image.width], dtype: .uint8)
            return try classifier(picture).features
        }
        #expect(try difference(features(image), features(square)) == 0)
    }

    @Test func filesGiveTheSameClassifierAgain() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("classifier-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let parameters = classifier.parameters
        try Classifier.save(configuration, names: parameters.names, tensors: parameters.tensors, to: folder)
        #expect(Classifier.isIn(folder))
        let read = try Classifier.load(folder)
        #expect(read.configuration == configuration && read.digest.count == 64)
        // bfloat16 keeps 8 bits.
        let found = try read(fixture["pictures"]).features
        #expect(try difference(found, fixture["features"]) < 0.05)

        let file = folder.appendingPathComponent("model.safetensors")
        var tensors = try SafeTensors.read(file).tensors
        tensors["head.bias"] = try Tensor([0, 1, .nan, 3, 4], shape: [5])
        try SafeTensors.write(tensors.map { ($0.key, $0.value) }, to: file)
        let error = #expect(throws: ECARError.self) { try Classifier.load(folder) }
        #expect(error?.message.contains("head.bias") == true)

        var large = configuration
        large.side = 4096
        let json = folder.appendingPathComponent("config.json")
        try StrictJSON.encode(large).write(to: json)
        let tooLarge = #expect(throws: ECARError.self) { try Classifier.load(folder) }
        #expect(tooLarge?.message.hasPrefix("\(json.path): ") == true)
        try Data("{".utf8).write(to: json)
        #expect(Classifier.exists(at: folder) && !Classifier.isIn(folder))
        try FileManager.default.removeItem(at: json)
        #expect(!Classifier.exists(at: folder))
    }

    @Test func oneClassIsNotEnough() throws {
        var changed = configuration
        changed.classNames = ["all"]
        let error = #expect(throws: ECARError.self) { try changed.validate() }
        #expect(error?.message.contains("at least 2 classes") == true)
    }

    @Test(arguments: [
        ([8, 12], 16, "multiples of 8"), ([], 16, "1…12 widths"), ([8, 8, 8, 8, 8, 8], 16, "cannot be halved"),
        ([8], 0, "side must be"), ([8], 4096, "4096×4096 places"), ([8, 4096], 512, "256×256 places with 4096"),
    ])
    func configurationsThatCannotBeAreRefused(_ widths: [Int], _ side: Int, _ message: String) throws {
        var changed = configuration
        (changed.widths, changed.side) = (widths, side)
        let error = #expect(throws: ECARError.self) { try changed.validate() }
        #expect(error?.message.contains(message) == true)
    }

    // MARK: Accuracy

    @Test func accuracyCountsFirstAndFiveGuesses() throws {
        // Four pictures of seven classes; the class of the second is sixth, that of the third second.
        let rows: [[Float]] = [
            [7, 6, 5, 4, 3, 2, 1], [7, 6, 5, 4, 3, 2, 1], [1, 7, 6, 2, 3, 4, 5], [1, 7, 6, 2, 3, 4, 5],
        ]
        let probabilities = try Tensor(rows.flatMap { $0 }, shape: [4, 7])
        let found = try ConditionalAccuracy(probabilities: probabilities, labels: [0, 5, 2, 2])
        #expect(found.isTop1 == [true, false, false, false])
        #expect(found.isTop5 == [true, false, true, true])
        #expect(found.top1 == 0.25 && found.top5 == 0.75)
        #expect(found.classes.map(\.label) == [0, 2, 5])
        let second = found.classes[1]
        #expect(second.pictures == 2 && second.correct == 0)
        #expect(second.mistake?.label == 1 && second.mistake?.pictures == 2)
        #expect(throws: TorchError.self) { try ConditionalAccuracy(probabilities: probabilities, labels: [0, 1]) }
        #expect(throws: TorchError.self) {
            try ConditionalAccuracy(probabilities: probabilities, labels: [0, 1, 2, 7])
        }
    }

    /// Classes of which there is no test picture have no accuracy, which is not an accuracy of 0.
    @Test func whatWasNotMeasuredIsNotZero() throws {
        var measured = configuration
        measured.accuracy = .init(pictures: 4, top1: 0.5, top5: 1, perClass: [1, nil, 0.5, 0, 1])
        let json = try StrictJSON.encode(measured)
        measured = try StrictJSON.decode(ClassifierConfiguration.self, from: json, name: "")
        let image = try Image(width: 16, height: 16, channels: 3)
        let all = try FeaturePart([image, image], network: classifier, name: "")
        let set = FeatureSet(name: "", all: all, labels: [0, 1], classNames: configuration.classNames, size: (16, 16))
        #expect(try Evaluation.classes(set, of: measured).map(\.realAccuracy) == [1, nil])
    }

    @Test(arguments: [
        (["b", "a"], ["a", "b", "c"], [1, 0]), (["0", "1"], ["a", "b"], [0, 1]), (["a", "x"], ["a", "b"], [0, nil]),
        (["0", "1", "2"], ["a", "b"], [0, 1, nil]), (["3", "7"], (0..<10).map(String.init), [3, 7]),
        (["bag", "trouser"], (0..<10).map(String.init), [nil, nil]), (["a", "b"], ["0", "1"], [0, 1]),
        (["001_Pink-primrose", "002.lotus"], ["Lotus", "pink primrose"], [1, 0]),
    ])
    func classesAreKnownByTheirNames(_ own: [String], _ others: [String], _ expected: [Int?]) {
        #expect(FeatureSet.translation(of: own, to: others) == expected)
    }
}
