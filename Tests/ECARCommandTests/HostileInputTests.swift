import ECARImages
import Foundation
import Testing
import Torch

/// Damaged and malicious files: one clear sentence, exit status 1, nothing written.
@Suite struct HostileInputTests {
    private let folder: TestFolder
    private var weights: URL { folder["model/model.safetensors"] }
    private var configuration: URL { folder["model/config.json"] }

    init() throws {
        folder = try TestFolder()
        try Sample.writeModel(folder["model"])
    }

    enum Damage: String, CaseIterable {
        case noWeights, cutShort, hugeHeader, emptyWeights, notANumber, missingTensor, wrongShape, extraTensor
        case noConfiguration, notJSON, unknownKey, hugeWidth, wrongStages, fewClassNames, folderAsWeights
    }

    private func apply(_ damage: Damage) throws -> String {
        func edit(_ change: (inout [String: Tensor]) throws -> Void) throws {
            var tensors = try SafeTensors.read(weights).tensors
            try change(&tensors)
            try SafeTensors.write(tensors.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, to: weights)
        }
        func replace(_ text: String, _ other: String) throws {
            let old = try String(contentsOf: configuration, encoding: .utf8)
            try #require(old.contains(text))
            try Data(old.replacingOccurrences(of: text, with: other).utf8).write(to: configuration)
        }
        switch damage {
        case .noWeights:
            try FileManager.default.removeItem(at: weights)
            return "model.safetensors"
        case .cutShort:
            try Data(contentsOf: weights).dropLast(1000).write(to: weights)
            return "model.safetensors"
        case .hugeHeader:
            try (Data(repeating: 0xFF, count: 8) + Data("{}".utf8)).write(to: weights)
            return "model.safetensors"
        case .emptyWeights:
            try Data().write(to: weights)
            return "model.safetensors"
        case .notANumber:
            try edit { $0["ar.norm.bias"] = try Tensor.full([32], .nan) }
            return "ar.norm.bias"
        case .missingTensor:
            try edit { $0["heads.1.position"] = nil }
            return "heads.1.position"
        case .wrongShape:
            try edit { $0["ar.norm.bias"] = try Tensor.zeros([31]) }
            return "ar.norm.bias"
        case .extraTensor:
            try edit { $0["ar.extra"] = try Tensor.zeros([1]) }
            return "ar.extra"
        case .noConfiguration:
            try FileManager.default.removeItem(at: configuration)
            return "config.json"
        case .notJSON:
            try Data("{\"architecture\":".utf8).write(to: configuration)
            return "config.json"
        case .unknownKey:
            try replace("\"arDepth\"", "\"arDepht\" : 1, \"arDepth\"")
            return "arDepht"
        case .hugeWidth:
            try replace("\"width\" : 32", "\"width\" : 4000000000")
            return "width"
        case .wrongStages:
            try replace("\"latentScale\" : 1", "\"latentScale\" : -1")
            return "latentScale"
        case .fewClassNames:
            try replace("\"sandal\",", "")
            return "class names"
        case .folderAsWeights:
            try FileManager.default.removeItem(at: weights)
            try FileManager.default.createDirectory(at: weights, withIntermediateDirectories: false)
            return "model.safetensors"
        }
    }

    @Test(arguments: Damage.allCases) func damagedModels(damage: Damage) throws {
        let hint = try apply(damage)
        let result = try Program.run(["sample", "--model", "model", "--quiet", "--threads", "1"], in: folder.url)
        expectFailure(result, hint)
        #expect(folder.visibleNames == ["model"])
    }

    private func expectFailure(_ result: Program.Result, _ hint: String) {
        #expect(result.status == 1, "\(result.errors)")
        #expect(result.errors.contains(hint), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
        #expect(result.output.isEmpty)
    }

    private static let metadata = """
        {"model":"DIGEST","class":0,"className":"ankle boot","seed":0,"steps":[1,1,1],"guidance":[1,1,1],"solver":"euler",\
        "precision":"f32","version":"0"}
        """

    @Test(arguments: [
        (metadata, "", "no metadata"),
        (metadata, "{", "metadata"),
        (metadata, "{}", "metadata"),
        ("DIGEST", "x", "was made by the model"),
        ("\"class\":0", "\"class\":9", "class 9"),
        ("ankle boot", "ankle root", "class 0 ankle root"),
        ("[1,1,1]", "[1,1]", "3 stages"),
        ("[1,1,1]", "[1,1,1000000000]", "steps"),
        ("\"seed\":0", "\"seed\":0,\"stage\":9", "stage 9"),
        ("\"seed\":0", "\"seed\":0,\"stage\":-9223372036854775808", "stage -9223372036854775808"),
        ("\"seed\":0", "\"seed\":-1", "metadata"),
        ("\"seed\":0", "\"seed\":0,\"command\":\"rm\"", "command"),
        ("\"seed\":0", "\"seed\":0,\"firstStage\":{\"solver\":\"rk\",\"precision\":\"f32\"}", "firstStage.solver"),
        ("\"seed\":0", "\"images\":[{\"class\":0,\"className\":\"ankle boot\",\"seed\":0}]", "32×32"),
    ])
    func metadataThatLie(part: String, replacement: String, hint: String) throws {
        let text = Self.metadata.replacingOccurrences(of: part, with: replacement)
        let info = try Program.run(["info", "--model", "model", "--json"], in: folder.url).json()
        let digest = try #require(info["digest"] as? String)
        let image = try Image(width: 32, height: 32, channels: 1)
        let chunk = text.isEmpty ? [:] : ["ecar": text.replacingOccurrences(of: "DIGEST", with: digest)]
        try image.write(to: folder["a.png"], text: chunk)
        let result = try Program.run(["replay", "a.png", "--model", "model", "--quiet"], in: folder.url)
        expectFailure(result, hint)
    }

    @Test func picturesThatAreNone() throws {
        try Data("no picture".utf8).write(to: folder["a.png"])
        expectFailure(try Program.run(["replay", "a.png", "--model", "model"], in: folder.url), "a.png")
        expectFailure(try Program.run(["replay", "b.png", "--model", "model"], in: folder.url), "b.png")
    }

    @Test func aChangedPictureIsNoticed() throws {
        let sample = ["sample", "--model", "model", "--class", "0", "--output", "a.png", "--quiet"]
        #expect(try Program.run(sample, in: folder.url).status == 0)
        let bytes = try Data(contentsOf: folder["a.png"])
        let image = try Image.decode(bytes, name: "a.png")
        var pixels = image.pixels
        pixels[500] = pixels[500] &+ 100
        try Image(width: 32, height: 32, channels: 1, pixels: pixels)
            .write(to: folder["a.png"], text: try Image.pngText(bytes))
        let result = try Program.run(["replay", "a.png", "--model", "model", "--quiet"], in: folder.url)
        #expect(result.status == 1)
        #expect(result.output.contains("in 1 of 1024 values"))
    }
}
