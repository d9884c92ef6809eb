import ECARImages
import Foundation
import Testing
import Torch

/// What `ecar train-classifier` and `ecar evaluate` promise, tried on the built program.
@Suite struct EvaluateCommandTests {
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try Sample.writePictures(folder["pictures"])
        try Sample.writeModel(folder["model"])
    }

    private func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Program.Result {
        try Program.run(arguments + ["--threads", "1"], in: folder.url, environment: environment)
    }

    private static let training = [
        "train-classifier", "--data", "pictures", "--epochs", "6", "--batch", "4", "--width", "8", "--quiet",
    ]
    private static let evaluation = [
        "evaluate", "--model", "model", "--classifier", "judge", "--reference", "pictures", "--steps", "3", "--quiet",
    ]

    private func trainJudge() throws {
        let result = try run(Self.training + ["--output", "judge"])
        #expect(result.status == 0, "\(result.errors)")
    }

    /// The scores of the first run, by metric, and the digest of its pictures.
    private func scores(_ arguments: [String]) throws -> (scores: [String: Double], digest: String) {
        let result = try run(arguments + ["--json"])
        #expect(result.status == 0, "\(result.errors)")
        return try Self.scores(result.json())
    }

    private static func scores(_ report: [String: Any]) throws -> (scores: [String: Double], digest: String) {
        let first = try #require((report["runs"] as? [[String: Any]])?.first)
        let samples = try #require(first["samples"] as? [String: Any])
        var values: [String: Double] = [:]
        for score in try #require(first["scores"] as? [[String: Any]]) {
            values[try #require(score["metric"] as? String)] = try #require(score["value"] as? Double)
        }
        return (values, try #require(samples["digest"] as? String))
    }

    // MARK: The classifier

    @Test func theSameSeedGivesTheSameClassifier() throws {
        let reports = try ["one", "two"].map { try run(Self.training + ["--output", $0, "--json"]).json() }
        let weights = try ["one", "two"].map { try Data(contentsOf: folder["\($0)/model.safetensors"]) }
        #expect(weights[0] == weights[1])
        let training = try #require(try configuration("two")["training"] as? [String: String])
        #expect(training["command"]?.hasPrefix("ecar train-classifier --data pictures --epochs 6") == true)
        #expect(reports[0]["steps"] as? Int == 18)
        // There is no test part to measure the accuracy on.
        #expect(reports[0]["accuracy"] == nil)
        #expect(folder.visibleNames.contains("one"))
    }

    @Test(arguments: [
        (["--batch", "13"], 1, "only 12 images"),
        (["--width", "9"], 64, "multiples of 8"),
        (["--width", "9223372036854775807"], 64, "--width must be 8…4096"),
        (["--blocks", "17"], 64, "--blocks must be 1…16"),
        (["--side", "1024", "--width", "64"], 64, "1024×1024 places with 64 channels"),
        (["--data", "pictures/sandal"], 1, "at least 2 classes"),
        (["--class-names", "a,b"], 64, "2 names for 3 classes"),
        (["--output", "model"], 1, "no classifier's folder"),
    ])
    func aClassifierThatCannotBeIsRefused(_ arguments: [String], _ status: Int32, _ message: String) throws {
        let result = try run(Self.training + ["--output", "judge"] + arguments)
        #expect(result.status == status)
        #expect(result.errors.contains(message), "\(result.errors)")
        #expect(!folder.visibleNames.contains("judge"))
    }

    private func configuration(_ path: String) throws -> [String: Any] {
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: folder["\(path)/config.json"]))
        return try #require(json as? [String: Any])
    }

    @Test func aClassWithoutTestPicturesHasNoAccuracy() throws {
        try Sample.writePictures(folder["parts/train"])
        try Sample.writePictures(folder["parts/test"])
        try FileManager.default.removeItem(at: folder["parts/test/sandal"])
        let arguments = Self.training + ["--data", "parts", "--output", "judge"]
        #expect(try run(arguments).status == 0)
        let accuracy = try #require(try configuration("judge")["accuracy"] as? [String: Any])
        #expect(accuracy["pictures"] as? Int == 8)
        let classes = try #require(accuracy["perClass"] as? [Any])
        #expect(classes.map { $0 is NSNull } == [false, true, false])

        // A picture that cannot be read costs the accuracy, not the classifier.
        try Data("no picture".utf8).write(to: folder["parts/test/sneaker/3.png"])
        let damaged = try run(arguments)
        #expect(damaged.status == 1)
        #expect(damaged.errors.contains("test/sneaker/3.png"), "\(damaged.errors)")
        #expect(try configuration("judge")["accuracy"] == nil)
        #expect(try run(["evaluate", "--samples", "pictures", "--classifier", "judge", "--quiet"]).status == 0)
    }

    @Test func aTestPartThatCannotBeReadIsReportedFirst() throws {
        func write(_ bytes: [UInt8], _ name: String) throws {
            try FileManager.default.createDirectory(at: folder["idx"], withIntermediateDirectories: true)
            try Data(bytes).write(to: folder["idx/\(name)"])
        }
        let images: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0, 8] + (0..<256).map { UInt8($0) }
        try write(images, "train-images-idx3-ubyte")
        try write([0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 2, 3], "train-labels-idx1-ubyte")
        try write(images, "t10k-images-idx3-ubyte")
        let result = try run(Self.training + ["--data", "idx", "--output", "judge"])
        #expect(result.status == 1)
        #expect(result.errors.contains("t10k-images-idx3-ubyte has no labels file"), "\(result.errors)")
        #expect(!folder.visibleNames.contains("judge"))
    }

    // MARK: Pictures

    @Test func aModelIsJudgedTheSameInAnyBatch() throws {
        try trainJudge()
        let (one, digest) = try scores(Self.evaluation + ["--count", "9", "--batch", "9"])
        let (other, otherDigest) = try scores(Self.evaluation + ["--count", "9", "--batch", "4"])
        #expect(digest == otherDigest)
        #expect(Set(one.keys) == ["accuracy", "frechet", "kernel", "precision", "recall"])
        for (metric, value) in one { #expect(abs(value - (other[metric] ?? .nan)) < 1e-6, "\(metric)") }
    }

    @Test func filesAreJudgedAsTheModelThatMadeThem() throws {
        try trainJudge()
        let sample = ["sample", "--model", "model", "--count", "3", "--steps", "3", "--quiet"]
        for output in ["set.npz", "set/"] { #expect(try run(sample + ["--output", output]).status == 0) }
        let judged = try ["set.npz", "set"].map { path in
            try scores([
                "evaluate", "--samples", path, "--classifier", "judge", "--reference", "pictures", "--quiet",
                "--metrics", "frechet,precision",
            ])
        }
        // An .npz file is in colour, which a grey classifier undoes.
        #expect(judged[0].scores.count == 2 && judged[1].scores.count == 2)
        for (metric, value) in judged[0].scores {
            #expect(abs(value - (judged[1].scores[metric] ?? .nan)) < 1e-4 * max(1, abs(value)), "\(metric)")
        }
        let npz = [
            "evaluate", "--samples", "set.npz", "--classifier", "judge", "--metrics", "accuracy", "--quiet", "--json",
        ]
        #expect(try scores(npz).scores.keys.sorted() == ["accuracy"])
    }

    @Test func aReportIsWrittenAndNothingElseStays() throws {
        try trainJudge()
        let result = try run(
            Self.evaluation + ["--count", "9", "--output", "report", "--sweep", "steps=3,6", "--sweep", "guidance=1,2"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder["report"].path).sorted() == [
                "report.html", "report.json",
            ])
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: folder["report/report.json"]))
        let report = try #require(json as? [String: Any])
        #expect((report["runs"] as? [Any])?.count == 4)
        #expect((report["command"] as? String)?.hasPrefix("ecar evaluate --model model") == true)
        let first = try #require((report["runs"] as? [[String: Any]])?.first)
        #expect((first["classes"] as? [Any])?.count == 3)
        #expect((first["neighbours"] as? [String: Any]) != nil)
    }

    // MARK: Going on

    @Test func whatAKilledEvaluationHasDoneIsNotDoneAgain() throws {
        try trainJudge()
        let arguments = Self.evaluation + ["--count", "200", "--batch", "64", "--output"]
        let whole = try scores(arguments + ["whole"])
        let program = try Program(arguments + ["cut", "--threads", "1"], in: folder.url)
        func parts() -> [URL] {
            let files = FileManager.default.enumerator(at: folder["cut/.parts"], includingPropertiesForKeys: nil)
            return (files?.allObjects as? [URL] ?? []).filter { $0.pathExtension == "safetensors" }
        }
        while program.isRunning, parts().isEmpty { Thread.sleep(forTimeInterval: 0.005) }
        program.send(SIGKILL)
        #expect(program.wait().status == -SIGKILL)
        let done = parts().filter { !$0.lastPathComponent.hasPrefix(".") }
        #expect((1...12).contains(done.count))

        // A part that is there is believed: were it made again, this would not be seen.
        var tensors = try SafeTensors.read(done[0]).tensors
        tensors["features"] = try #require(tensors["features"]) * 2
        try SafeTensors.write(tensors.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, to: done[0])
        let changed = try scores(arguments + ["cut"])
        #expect(changed.digest == whole.digest)
        #expect(changed.scores["frechet"] != whole.scores["frechet"])
        #expect(changed.scores["accuracy"] == whole.scores["accuracy"])
    }

    @Test func ctrlCKeepsWhatIsDoneAndAnErrorKeepsNothing() throws {
        try trainJudge()
        let arguments = Self.evaluation + ["--count", "2000", "--output", "cut", "--threads", "1"]
        let program = try Program(arguments, in: folder.url)
        while program.isRunning, !FileManager.default.fileExists(atPath: folder["cut/.parts"].path) {
            Thread.sleep(forTimeInterval: 0.005)
        }
        program.send(SIGINT)
        let result = program.wait()
        #expect(result.status == 130)
        #expect(result.errors.contains("continue with the same command"), "\(result.errors)")

        let wrong = try run(Self.evaluation + ["--count", "9", "--output", "wrong", "--metrics", "fid"])
        #expect(wrong.status == 64)
        #expect(!folder.visibleNames.contains("wrong"))
    }

    @Test func twoProcessesShareTheWork() throws {
        try trainJudge()
        let arguments = Self.evaluation + ["--count", "130", "--json", "--threads", "1"]
        let one = try scores(Self.evaluation + ["--count", "130"])
        let port = Int.random(in: 20_000..<32_000)
        let programs = try (0..<2).map { rank in
            let environment = [
                "RANK": "\(rank)", "LOCAL_RANK": "\(rank)", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": "\(port)",
            ]
            return try Program(arguments, in: folder.url, environment: environment)
        }
        let results = programs.map { $0.wait() }
        for result in results { #expect(result.status == 0, "\(result.errors)") }
        #expect(results[1].output.isEmpty)
        let both = try Self.scores(results[0].json())
        #expect(both.digest == one.digest)
        #expect(both.scores == one.scores)
    }

    // MARK: Statistics

    @Test func keptStatisticsAreAReference() throws {
        try trainJudge()
        let keep = ["--count", "9", "--save-statistics", "stats.npz"]
        #expect(try run(Self.evaluation + keep).status == 0)
        let again = [
            "evaluate", "--model", "model", "--classifier", "judge", "--steps", "3", "--count", "9", "--quiet",
            "--reference", "stats.npz",
        ]
        let found = try scores(again).scores
        #expect(Set(found.keys) == ["accuracy", "frechet"])
        #expect(abs(try #require(found["frechet"])) < 1e-6)
    }

    // MARK: Bad input

    /// What is wrong, and a part of what the user is told.
    struct Mistake: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let arguments: [String]
        let status: Int32
        let message: String
    }

    static let mistakes = [
        Mistake(
            testDescription: "nothing to compare in", arguments: ["--samples", "pictures", "--reference", "pictures"],
            status: 64, message: "convert_inception.py"),
        Mistake(
            testDescription: "no such weights",
            arguments: ["--samples", "pictures", "--reference", "pictures", "--inception", "none.safetensors"],
            status: 1, message: "none.safetensors"),
        Mistake(
            testDescription: "a classifier gives no FID",
            arguments: [
                "--samples", "pictures", "--reference", "pictures", "--classifier", "judge", "--metrics", "fid",
            ],
            status: 64, message: "the network does not give it"),
        Mistake(
            testDescription: "no reference",
            arguments: ["--samples", "pictures", "--classifier", "judge", "--metrics", "frechet"], status: 64,
            message: "--reference is missing"),
        Mistake(
            testDescription: "pictures cannot be swept",
            arguments: ["--samples", "pictures", "--classifier", "judge", "--sweep", "steps=3"], status: 64,
            message: "--sweep is for a model"),
        Mistake(
            testDescription: "an unknown sweep",
            arguments: ["--model", "model", "--classifier", "judge", "--sweep", "seed=3"], status: 64, message: "seed=3"
        ),
        Mistake(
            testDescription: "a sweep twice",
            arguments: ["--model", "model", "--classifier", "judge", "--sweep", "steps=3", "--sweep", "steps=6"],
            status: 64, message: "can be swept once"),
        Mistake(
            testDescription: "a model's option for pictures",
            arguments: ["--samples", "pictures", "--classifier", "judge", "--reference", "pictures", "--steps", "3"],
            status: 64, message: "--steps is for a model"),
        Mistake(
            testDescription: "a model's arithmetic for pictures",
            arguments: [
                "--samples", "pictures", "--classifier", "judge", "--reference", "pictures", "--precision", "bf16",
            ],
            status: 64, message: "--precision is for a model"),
        Mistake(
            testDescription: "nothing to fit",
            arguments: ["--samples", "pictures", "--classifier", "judge", "--fit", "pad"],
            status: 64, message: "--fit is for real pictures"),
        Mistake(
            testDescription: "classes that the classifier does not know",
            arguments: ["--samples", "others", "--classifier", "judge", "--metrics", "accuracy"], status: 64,
            message: "class boot is none of the classifier's"),
        Mistake(
            testDescription: "labels that the classifier does not know",
            arguments: ["--samples", "labels.npz", "--classifier", "judge", "--metrics", "accuracy"], status: 1,
            message: "label 3 is none of the classifier's 0…2"),
        Mistake(
            testDescription: "mixed sizes",
            arguments: ["--samples", "mixed", "--classifier", "judge", "--reference", "pictures"], status: 1,
            message: "different sizes"),
        Mistake(
            testDescription: "object arrays",
            arguments: ["--samples", "object.npz", "--classifier", "judge", "--reference", "pictures"], status: 1,
            message: "Python objects"),
        Mistake(
            testDescription: "statistics of another network",
            arguments: ["--samples", "pictures", "--classifier", "judge", "--reference", "wide.npz"], status: 1,
            message: "7 features, but the network has 32"),
        Mistake(
            testDescription: "a model is no classifier",
            arguments: ["--samples", "pictures", "--classifier", "model", "--reference", "pictures"], status: 1,
            message: "model/config.json"),
        Mistake(
            testDescription: "one picture is not enough",
            arguments: ["--samples", "single", "--classifier", "judge", "--reference", "pictures"], status: 1,
            message: "at least 2 pictures"),
    ]

    @Test(arguments: mistakes) func aMistakeIsOneSentence(_ mistake: Mistake) throws {
        try trainJudge()
        func write(_ side: Int, _ path: String) throws {
            let url = folder[path]
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Image(width: side, height: side, channels: 1, fill: 99).write(to: url)
        }
        let files = [(32, "mixed/a.png"), (16, "mixed/b.png"), (32, "single/a.png"), (32, "others/boot/a.png")]
        for (side, path) in files + [(32, "others/sandal/a.png")] { try write(side, path) }
        let numbered = try NpzWriter(folder["labels.npz"], count: 2, height: 32, width: 32)
        for label in 2...3 { try numbered.append(Image(width: 32, height: 32, channels: 1), label: label) }
        try numbered.finish()
        func array(_ shape: [Int]) throws -> NumpyArray {
            try NumpyArray(
                type: "<f8", shape: shape, bytes: [UInt8](repeating: 0, count: shape.reduce(8, *)))
        }
        try writeNpz(["mu": array([7]), "sigma": array([7, 7])], to: folder["wide.npz"])
        try writeObjectArray(folder["object.npz"])

        let result = try run(["evaluate", "--quiet"] + mistake.arguments)
        #expect(result.status == mistake.status, "\(result.errors)")
        #expect(result.errors.contains(mistake.message), "\(result.errors)")
        #expect(result.errors.hasPrefix("Error: ") && result.output.isEmpty)
    }

    /// A zip with an array whose header says that it holds pickled objects.
    private func writeObjectArray(_ url: URL) throws {
        let plain = try NumpyArray(type: "<f8", shape: [1], bytes: [UInt8](repeating: 0, count: 8))
        try writeNpz(["arr_0": plain], to: url)
        var bytes = try Data(contentsOf: url)
        while let range = bytes.range(of: Data("<f8".utf8)) { bytes.replaceSubrange(range, with: Data("|O8".utf8)) }
        try bytes.write(to: url)
    }
}
