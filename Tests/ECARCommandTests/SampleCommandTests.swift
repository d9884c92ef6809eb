import ECARImages
import Foundation
import Testing

/// What `ecar sample`, `replay` and `info` promise, tried on the built program.
@Suite struct SampleCommandTests {
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try Sample.writeModel(folder["model"])
    }

    private func sample(_ arguments: String...) throws -> Program.Result {
        try sample(arguments)
    }

    private func sample(_ arguments: [String]) throws -> Program.Result {
        try Program.run(["sample", "--model", "model/", "--threads", "1", "--quiet"] + arguments, in: folder.url)
    }

    private func replay(_ image: String) throws -> Program.Result {
        try Program.run(["replay", image, "--model", "model/", "--threads", "1", "--json"], in: folder.url)
    }

    @Test func withoutAClassOneOfEachIsDrawn() throws {
        let result = try sample()
        #expect(result.status == 0)
        #expect(result.errors.isEmpty)
        #expect(result.output == folder["samples.png"].path + "\n")
        let again = try replay("samples.png")
        #expect(again.status == 0)
        #expect(try again.json()["identical"] as? Bool == true)
    }

    @Test func aSingleImageIsItselfAndCarriesItsOrigin() throws {
        let result = try sample("--class", "sneak", "--seed", "5", "--steps", "1,2,3", "--output", "one.png", "--json")
        let report = try result.json()
        let images = try #require(report["images"] as? [[String: Any]])
        #expect(images.count == 1)
        #expect(images[0]["class"] as? Int == 2)
        #expect(images[0]["seed"] as? Int == 5)
        #expect((images[0]["sha256"] as? String)?.count == 64)
        let seconds = try #require(report["seconds"] as? [String: Any])
        #expect((seconds["stages"] as? [Double])?.count == 3)

        let image = try Image.read(folder["one.png"])
        #expect(image.width == 32 && image.height == 32 && image.channels == 1)
        let text = try #require(try Image.pngText(try Data(contentsOf: folder["one.png"]))["ecar"])
        let metadata = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(metadata["className"] as? String == "sneaker")
        #expect(metadata["steps"] as? [Int] == [1, 2, 3])
        #expect(try replay("one.png").status == 0)
    }

    @Test func anImageDoesNotDependOnItsNeighbours() throws {
        func pixels(_ arguments: String...) throws -> [UInt8] {
            #expect(try sample(["--output", "set.npz"] + arguments).status == 0)
            return try #require(try readNpz(folder["set.npz"])["arr_0"]).bytes
        }
        let size = 32 * 32 * 3
        let alone = try pixels("--class", "2", "--seed", "1", "--threads", "1")
        let together = try pixels(
            "--class", "0", "--class", "1", "--class", "2", "--count", "2", "--batch", "7", "--threads", "2")
        #expect(alone.count == size && together.count == 6 * size)
        #expect(zip(alone, together.suffix(size)).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
        #expect(try pixels("--class", "2", "--seed", "1", "--threads", "1") == alone)
    }

    @Test func aFolderGetsAFileForEachImageAndStage() throws {
        let result = try sample("--class", "ankle boot", "--count", "2", "--stages", "--output", "new/deep/")
        #expect(result.status == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder["new/deep"].path).sorted()
        let stems = ["0000-ankle-boot-seed0", "0001-ankle-boot-seed1"]
        #expect(names == stems.flatMap { ["\($0)-stage1.png", "\($0)-stage2.png", "\($0).png"] })
        let coarse = try Image.read(folder["new/deep/0000-ankle-boot-seed0-stage1.png"])
        #expect(coarse.width == 8)
        #expect(try replay("new/deep/0001-ankle-boot-seed1-stage2.png").status == 0)
        #expect(result.output.split(separator: "\n").count == 2)
    }

    /// The second picture cannot have its place, so the first one's is given back.
    @Test func aFolderGetsAllFilesOrNone() throws {
        let names = (0...1).map { "000\($0)-ankle-boot-seed\($0).png" }
        try FileManager.default.createDirectory(at: folder["out/\(names[1])"], withIntermediateDirectories: true)
        for earlier in [nil, Data("earlier".utf8)] {
            try earlier?.write(to: folder["out/\(names[0])"])
            let result = try sample("--class", "0", "--count", "2", "--output", "out/")
            #expect(result.status == 1)
            #expect(result.errors.contains("\(names[1]): cannot be written"), "\(result.errors)")
            let kept = try? Data(contentsOf: folder["out/\(names[0])"])
            #expect(kept == earlier)
            let left = try FileManager.default.contentsOfDirectory(atPath: folder["out"].path).sorted()
            #expect(left == (earlier == nil ? [names[1]] : names))
        }
    }

    @Test func gridsOfStagesAndOfSeveralSeedsAreReplayed() throws {
        #expect(try sample("--stages", "--output", "stages.png", "--solver", "heun").status == 0)
        #expect(try replay("stages.png").status == 0)
        #expect(try sample("--count", "3", "--output", "rows.png", "--guidance", "1,2,3").status == 0)
        #expect(try replay("rows.png").status == 0)
    }

    @Test(arguments: [
        ["--precision", "bf16"], ["--precision", "int8"], ["--time-shift", "2.5", "--steps", "9"],
        ["--parallel-guidance", "0.25", "--steps", "9"],
    ])
    func whatAPictureWasMadeWithIsReplayed(_ arguments: [String]) throws {
        #expect(try sample(arguments + ["--output", "made.png"]).status == 0)
        #expect(try replay("made.png").json()["identical"] as? Bool == true)
        #expect(try sample("--steps", "9", "--output", "plain.png").status == 0)
        #expect(try Image.read(folder["made.png"]).pixels != Image.read(folder["plain.png"]).pixels)
    }

    @Test func npzHoldsImagesAndLabels() throws {
        #expect(try sample("--class", "1", "--class", "0", "--output", "set.npz").status == 0)
        let arrays = try readNpz(folder["set.npz"])
        #expect(arrays["arr_0"]?.shape == [2, 32, 32, 3])
        #expect(arrays["arr_1"]?.bytes.first == 1)
    }

    @Test(arguments: [
        (["--class", "3"], Int32(64), "0…2"),
        (["--class", "s"], 64, "sandal, sneaker"),
        (["--class", "sneeker"], 64, "did you mean sneaker?"),
        (["--steps", "2"], 64, "3 stages"),
        (["--steps", "1,2"], 64, "3 stages"),
        (["--steps", "0"], 64, "--steps"),
        (["--guidance", "nan"], 64, "--guidance"),
        (["--guidance", "-1"], 64, "guidance"),
        (["--count", "0"], 64, "--count"),
        (["--seed", "-1"], 64, "--seed"),
        (["--seed", "18446744073709551615"], 64, "--seed"),
        (["--batch", "0"], 64, "--batch"),
        (["--threads", "0"], 64, "--threads"),
        (["--precision", "int4"], 64, "--precision"),
        (["--solver", "rk4"], 64, "--solver"),
        (["--time-shift", "0"], 64, "time shift"),
        (["--time-shift", "nan"], 64, "time shift"),
        (["--parallel-guidance", "1.5"], 64, "parallel guidance"),
        (["--bogus"], 64, "--bogus"),
        (["--output", "a.jpg"], 64, ".png, .npz"),
        (["--output", "a.npz", "--stages"], 64, "--stages"),
        (["--output", "nowhere/a.png"], 1, "no folder"),
        (["--output", "model/config.json/x.png"], 1, "no folder"),
        (["--output", "model/config.json/x/"], 1, "folder cannot"),
        (["--output", "big.png", "--count", "1000000"], 1, "image"),
        (["--model", "nowhere"], 1, "nowhere"),
        (["--model", "E-CAR-S"], 64, "no weights"),
    ])
    func wrongArgumentsGetOneClearSentence(arguments: [String], status: Int32, hint: String) throws {
        let result = try Program.run(["sample", "--model", "model/", "--quiet"] + arguments, in: folder.url)
        #expect(result.status == status, "\(result.errors)")
        #expect(result.errors.contains(hint), "\(result.errors)")
        #expect(result.output.isEmpty)
        #expect(folder.visibleNames == ["model"])
    }

    @Test func ctrlCLeavesNothingBehind() throws {
        let program = try Program(
            ["sample", "--model", "model/", "--steps", "90000", "--threads", "1", "--output", "new/deep/"],
            in: folder.url)
        program.waitForErrors(containing: "sampling")
        program.send(SIGINT)
        #expect(program.wait().status == 130)
        #expect(folder.visibleNames == ["model"])
    }

    @Test func infoCountsParametersAndStages() throws {
        let own = try Program.run(["info", "--model", "model", "--json"], in: folder.url).json()
        #expect((own["digest"] as? String)?.count == 64)
        let small = try Program.run(["info", "--model", "E-CAR-S", "--json"], in: folder.url).json()
        let stages = try #require(small["stages"] as? [[String: Any]])
        #expect(stages.map { $0["tokens"] as? Int } == [16, 64, 256])
        // METHOD.md's table: 156.1 M and 0.89 T.
        #expect(abs(try #require(small["parameters"] as? Double) / 1e6 - 156.1) < 0.1)
        #expect(abs(try #require(small["macs"] as? Double) / 1e12 - 0.89) < 0.01)
        let plain = try Program.run(["info", "--model", "model"], in: folder.url)
        #expect(plain.status == 0 && plain.output.contains("parameters"))
    }
}
