import ECAR
import ECARAutoencoder
import ECARImages
import ECARPictures
import Files
import Foundation
import Testing
import Torch

/// The file of drafts, and files that only look like one.
@Suite struct DraftFileTests {
    private let folder: TestFolder
    private var file: URL { folder["a.safetensors"] }
    private var sheet: URL { folder["a.png"] }

    private static let settings = SamplingSettings(
        steps: [3, 2, 2], guidance: [2, 1, 1], solver: .heun, timeShift: 0.5, parallelGuidance: 0.25)
    private static let requests = (0..<2).map {
        ImageRequest(class: 1, className: "sandal", seed: .max - UInt64($0), draft: $0 + 1)
    }
    private static let metadata = ImageMetadata(
        model: "abc", autoencoder: Identity(), settings: settings, precision: .bf16
    ).grid(requests, .drafts)

    init() throws { folder = try TestFolder() }

    /// Writes the file by its format's definition, with something changed.
    private func write(
        _ images: Tensor? = nil, named name: String = "stage1", replacing part: String = "", with other: String = ""
    ) throws {
        var text = try Self.metadata.text()
        text["ecar"] = text["ecar"]?.replacingOccurrences(of: part, with: other)
        try SafeTensors.write([(name, try images ?? .zeros([2, 1, 8, 8]))], metadata: text, to: file)
    }

    private func expectError(_ hint: String, _ body: () throws -> Void) {
        do {
            try body()
            Issue.record("no error, instead of one about \(hint)")
        } catch {
            #expect("\(error)".contains(hint) && "\(error)".contains("a.safetensors"), "\(error)")
        }
    }

    @Test func whatIsWrittenIsRead() throws {
        let images = try Tensor.randn([2, 1, 8, 8], generator: Generator(seed: 3))
        try DraftFile(metadata: Self.metadata, images: images, name: "a").write(to: file)
        try Image(width: 8, height: 8, channels: 1).write(to: sheet, text: Self.metadata.text())
        for url in [file, sheet] {
            let found = try DraftFile.read(url)
            #expect(found.metadata == Self.metadata)
            #expect(found.draft.labels == [1, 1])
            #expect(try found.draft.stages.map { try $0.floats() } == [images.floats()])
        }
    }

    @Test(arguments: [
        ("\"stage\":1", "\"stage\":2", "contact sheet"),
        ("\"stage\":1,", "", "contact sheet"),
        ("\"stage\":1", "\"stage\":1,\"stages\":true", "contact sheet"),
        ("\"draft\":2", "\"draft\":1", "contact sheet"),
        ("\"draft\":2", "\"draft\":2,\"variation\":{\"number\":1,\"stagesKept\":1}", "contact sheet"),
        ("\"images\"", "\"pictures\"", "pictures"),
        ("[3,2,2]", "[3,2]", "stages"),
        ("[3,2,2]", "[3,2,-1]", "steps"),
        ("[3,2,2]", "[]", "0 stages"),
        ("[2,1,1]", "[2,1,1e99]", "guidance"),
        ("\"timeShift\":0.5", "\"timeShift\":-1", "time shift"),
        ("\"parallelGuidance\":0.25", "\"parallelGuidance\":2", "parallel guidance"),
        ("\"seed\":", "\"seed\":-", "metadata"),
        ("\"precision\":\"bf16\"", "\"precision\":\"f8\"", "precision"),
        ("{", "", "metadata"),
    ])
    func metadataThatLie(part: String, other: String, hint: String) throws {
        try write(replacing: part, with: other)
        expectError(hint) { _ = try DraftFile.read(file) }
    }

    @Test func imagesThatAreNone() throws {
        let wrong: [(Tensor, String)] = [
            (try .zeros([3, 1, 8, 8]), "[3, 1, 8, 8]"), (try .zeros([2, 1, 8, 4]), "[2, 1, 8, 4]"),
            (try .zeros([2, 64]), "[2, 64]"), (try .zeros([2, 1, 8, 8], dtype: .float64), "float64"),
            (try .full([2, 1, 8, 8], .nan), "NaN"), (try .full([2, 1, 8, 8], .infinity), "infinite"),
        ]
        for (images, hint) in wrong {
            try write(images)
            expectError(hint) { _ = try DraftFile.read(file) }
        }
        try write(named: "stage2")
        expectError("other tensors") { _ = try DraftFile.read(file) }
    }

    @Test func filesThatAreNone() throws {
        try write()
        let whole = try Data(contentsOf: file)
        for bytes in [whole.dropLast(), whole.prefix(100), Data(), Data(repeating: 0xFF, count: 64), whole + whole] {
            try bytes.write(to: file)
            expectError("a.safetensors") { _ = try DraftFile.read(file) }
        }
        try FileManager.default.removeItem(at: file)
        #expect(mkfifo(file.path, 0o600) == 0)
        expectError("regular file") { _ = try DraftFile.read(file) }
    }

    @Test func aSheetNeedsItsOwnFile() throws {
        let picture = try Image(width: 8, height: 8, channels: 1)
        try picture.write(to: sheet, text: Self.metadata.text())
        expectError("cannot be opened") { _ = try DraftFile.read(sheet) }
        try write(replacing: "abc", with: "abd")
        expectError("shows other drafts") { _ = try DraftFile.read(sheet) }
        try picture.write(to: sheet, text: Self.metadata.single(Self.requests[0]).text())
        #expect(throws: FileError.self) { try DraftFile.read(sheet) }
    }

    @Test func draftsFitTheirModel() throws {
        var model = ModelDescription(
            architecture: .tiny, classNames: (0..<10).map { $0 == 1 ? "sandal" : "\($0)" }, sampling: Self.settings)
        try write()
        let drafts = try DraftFile.read(file)
        try drafts.check(model)
        model.classNames[1] = "boot"
        expectError("the class 1") { try drafts.check(model) }
        model.architecture.sides = [16, 32, 64]
        expectError("architecture") { try drafts.check(model) }
    }
}
