import ECARImages
import Foundation
import Testing
import Torch

/// What `ecar sample --draft` and `ecar finish` promise, tried on the built program.
@Suite struct DraftCommandTests {
    private let folder: TestFolder
    private static let files = ["drafts.png", "drafts.safetensors"]

    /// Two drafts of an ankle boot and two of a sandal, which several tests go on from.
    private static let drafts = Result {
        let folder = try TestFolder()
        try Sample.writeModel(folder["model"])
        let result = try run(
            "sample",
            [
                "--draft", "2", "--class", "0", "--class", "1", "--steps", "3,2,2", "--guidance", "2", "--solver",
                "heun",
            ],
            in: folder)
        try #require(result.status == 0, "\(result.errors)")
        return folder
    }

    init() throws {
        folder = try TestFolder()
        try Sample.writeModel(folder["model"])
    }

    private static func run(_ command: String, _ arguments: [String], in folder: TestFolder) throws -> Program.Result {
        try Program.run(
            [command] + arguments + ["--model", "model/", "--threads", "1", "--quiet"], in: folder.url)
    }

    private func run(_ command: String, _ arguments: [String]) throws -> Program.Result {
        try Self.run(command, arguments, in: folder)
    }

    private func copyDrafts() throws {
        for name in Self.files {
            try FileManager.default.copyItem(at: Self.drafts.get()[name], to: folder[name])
        }
    }

    private func finish(_ arguments: [String]) throws {
        let result = try run("finish", arguments)
        #expect(result.status == 0, "\(result.errors)")
    }

    private func expectReplay(_ image: String) throws {
        let result = try run("replay", [image])
        #expect(result.status == 0, "\(image): \(result.errors)")
    }

    /// The values of the images of an .npz file.
    private func pixels(_ name: String) throws -> [ArraySlice<UInt8>] {
        let array = try #require(try readNpz(folder[name])["arr_0"])
        let size = array.bytes.count / array.shape[0]
        return (0..<array.shape[0]).map { array.bytes[$0 * size..<($0 + 1) * size] }
    }

    private func metadata(_ name: String) throws -> [String: Any] {
        let text = try #require(try Image.pngText(folder[name])["ecar"])
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    // MARK: Drafts

    @Test func draftsGoOntoASheetAndIntoAFile() throws {
        let result = try run("sample", ["--draft", "2", "--class", "sneaker", "--class", "0", "--seed", "4", "--json"])
        #expect(result.status == 0)
        #expect(folder.visibleNames == Self.files + ["model"])
        let report = try result.json()
        let images = try #require(report["images"] as? [[String: Any]])
        #expect(images.map { $0["draft"] as? Int } == [1, 2, 3, 4])
        #expect(images.map { $0["class"] as? Int } == [2, 2, 0, 0])
        #expect(images.map { $0["seed"] as? Int } == [4, 5, 4, 5])
        #expect(images.allSatisfy { $0["path"] as? String == folder["drafts.png"].path })
        #expect(report["drafts"] as? String == folder["drafts.safetensors"].path)
        let tensors = try SafeTensors.read(folder["drafts.safetensors"]).tensors
        #expect(tensors.mapValues(\.shape) == ["stage1": [4, 1, 8, 8]])
        try expectReplay("drafts.png")
    }

    @Test func withoutANumberThereAreAsManyDraftsAsImages() throws {
        let result = try run("sample", ["--class", "1", "--draft", "--count", "3", "--output", "a.png"])
        #expect(result.output == ["a.png", "a.safetensors"].map { folder[$0].path + "\n" }.joined())
        #expect(try SafeTensors.read(folder["a.safetensors"]).tensors["stage1"]?.shape[0] == 3)
    }

    // MARK: Finishing

    @Test func aFinishedDraftIsWhatSampleMakes() throws {
        let five = ["--class", "1", "--count", "5", "--seed", "10"]
        #expect(try run("sample", ["--draft"] + five).status == 0)
        try finish(["drafts.png", "--pick", "2", "--pick", "4-5,4", "--output", "picks.npz"])
        try finish(["drafts.safetensors", "--output", "all.npz"])
        #expect(try run("sample", ["--output", "set.npz"] + five).status == 0)
        let (picks, all, set) = (try pixels("picks.npz"), try pixels("all.npz"), try pixels("set.npz"))
        #expect(picks.count == 3)
        for (found, expected) in zip(picks + all, [set[1], set[3], set[4]] + set) {
            #expect(zip(found, expected).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
        }
        #expect(set[0] != set[1])
    }

    @Test func variationsShareTheirDraft() throws {
        try copyDrafts()
        try finish(["drafts.png", "--pick", "4", "--vary", "2", "--stages", "--output", "out/"])
        let stems = ["0000-sandal-seed1", "0001-sandal-seed1-variation1"]
        let names = try FileManager.default.contentsOfDirectory(atPath: folder["out"].path).sorted()
        #expect(names == stems.flatMap { ["\($0)-stage1.png", "\($0)-stage2.png", "\($0).png"] })
        func pictures(_ end: String) throws -> [Image] { try stems.map { try .read(folder["out/\($0)\(end).png"]) } }
        for (end, isSame) in [("-stage1", true), ("-stage2", false), ("", false)] {
            let pictures = try pictures(end)
            #expect((pictures[0] == pictures[1]) == isSame)
        }
        for end in ["-stage1", ""] { try expectReplay("out/\(stems[1])\(end).png") }
    }

    @Test(arguments: [["--vary", "3"], ["--stages"], ["--pick", "4", "--pick", "1"]])
    func gridsOfPicksAreReplayed(_ arguments: [String]) throws {
        try copyDrafts()
        try finish(["drafts.png"] + arguments)
        try expectReplay("finished.png")
    }

    @Test(
        arguments: [
            (["--steps", "5", "--guidance", "1,3"], [3, 2, 3], [2, 1, 3], nil),
            (["--steps", "1,4", "--solver", "euler"], [3, 1, 4], [2, 2, 2], "heun"),
            (["--precision", "bf16", "--time-shift", "2"], [3, 2, 2], [2, 2, 2], "heun"),
            (["--parallel-guidance", "0.5"], [3, 2, 2], [2, 2, 2], "heun"),
        ] as [([String], [Int], [Double], String?)])
    func theFirstStageStaysAsItWasDrafted(
        _ arguments: [String], steps: [Int], guidance: [Double], firstSolver: String?
    ) throws {
        try copyDrafts()
        try finish(["drafts.png", "--pick", "1", "--output", "one.png"] + arguments)
        let metadata = try metadata("one.png")
        #expect(metadata["steps"] as? [Int] == steps)
        #expect(metadata["guidance"] as? [Double] == guidance)
        #expect((metadata["firstStage"] as? [String: Any])?["solver"] as? String == firstSolver)
        try expectReplay("one.png")
    }

    // MARK: What cannot be

    @Test(arguments: [
        (["sample", "--draft", "0"], Int32(64), "--draft"),
        (["sample", "--draft", "2", "--count", "2"], 64, "--count"),
        (["sample", "--draft", "--stages"], 64, "--stages"),
        (["sample", "--draft", "--output", "drafts/"], 64, ".png"),
        (["sample", "--draft", "--output", "a.npz"], 64, ".png"),
        (["sample", "--draft", "100000"], 64, "at most 10000"),
        (["sample", "--draft", "--output", "nowhere/a.png"], 1, "no folder"),
        (["finish", "drafts.png", "--pick", "0"], 64, "1…4"),
        (["finish", "drafts.png", "--pick", "2-5"], 64, "--pick 5"),
        (["finish", "drafts.png", "--pick", "3-9223372036854775807"], 64, "--pick"),
        (["finish", "drafts.png", "--pick", "3-2"], 64, "--pick"),
        (["finish", "drafts.png", "--pick", "2,,3"], 64, "--pick"),
        (["finish", "drafts.png", "--vary", "0"], 64, "--vary"),
        (["finish", "drafts.png", "--steps", "1"], 64, "2 later stages"),
        (["finish", "drafts.png", "--steps", "1,1,1"], 64, "2 later stages"),
        (["finish", "drafts.png", "--guidance", "1,2,3"], 64, "2 later stages"),
        (["finish", "drafts.png", "--time-shift", "0"], 64, "time shift"),
        (["finish", "drafts.png", "--parallel-guidance", "2"], 64, "parallel guidance"),
        (["finish", "drafts.png", "--batch", "0"], 64, "--batch"),
        (["finish", "drafts.png", "--output", "a.jpg"], 64, ".png, .npz"),
        (["finish", "drafts.png", "--output", "a.npz", "--stages"], 64, "--stages"),
        (["finish", "nothing.png"], 1, "nothing.png"),
        (["finish", "model/config.json"], 1, "config.json"),
        (["finish", "model/model.safetensors"], 1, "sample --draft"),
    ])
    func wrongArgumentsGetOneClearSentence(arguments: [String], status: Int32, hint: String) throws {
        if arguments[1] == "drafts.png" { try copyDrafts() }
        let names = folder.visibleNames
        let result = try run(arguments[0], Array(arguments.dropFirst()))
        #expect(result.status == status, "\(result.errors)")
        #expect(result.errors.contains(hint), "\(result.errors)")
        #expect(result.output.isEmpty)
        #expect(folder.visibleNames == names)
    }

    @Test func draftsOfAnotherModelAreRefused() throws {
        try copyDrafts()
        let file = folder["model/config.json"]
        let text = try String(contentsOf: file, encoding: .utf8)
        try Data(text.replacingOccurrences(of: "\"none\"", with: "\"other\"").utf8).write(to: file)
        let result = try run("finish", ["drafts.png"])
        #expect(result.status == 1)
        #expect(result.errors.contains("drafts.png: was made by the model"), "\(result.errors)")
        #expect(folder.visibleNames == Self.files + ["model"])
    }

    @Test func draftsDoNotReplaceAModel() throws {
        let weights = folder["model/model.safetensors"]
        let before = try Data(contentsOf: weights)
        let result = try run("sample", ["--draft", "1", "--class", "0", "--output", "model/model.png"])
        #expect(result.status == 1)
        #expect(result.errors.contains("model.safetensors, which holds none"), "\(result.errors)")
        #expect(try Data(contentsOf: weights) == before)
    }

    @Test func neitherFileAppearsAlone() throws {
        try FileManager.default.createDirectory(at: folder["drafts.safetensors"], withIntermediateDirectories: false)
        let result = try run("sample", ["--draft"])
        #expect(result.status == 1)
        #expect(result.errors.contains("drafts.safetensors: is a folder"), "\(result.errors)")
        #expect(folder.visibleNames == ["drafts.safetensors", "model"])
    }

    @Test(arguments: [["sample", "--draft", "--steps", "90000"], ["finish", "drafts.png", "--steps", "90000"]])
    func ctrlCLeavesNothingBehind(_ arguments: [String]) throws {
        if arguments[0] == "finish" { try copyDrafts() }
        let names = folder.visibleNames
        let program = try Program(arguments + ["--model", "model/", "--threads", "1"], in: folder.url)
        program.waitForErrors(containing: "sampling")
        program.send(SIGINT)
        #expect(program.wait().status == 130)
        #expect(folder.visibleNames == names)
    }
}
