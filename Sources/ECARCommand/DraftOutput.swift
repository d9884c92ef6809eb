import ECARImages
import ECARPictures
import Foundation
import Torch

/// A contact sheet, and beside it the drafts as they can be gone on with.
struct DraftOutput: SampleOutput {
    private let plan: OutputPlan
    private let sheet: URL
    private var images: [MadeImage] = []

    init(_ plan: OutputPlan, _ sheet: URL) throws {
        (self.plan, self.sheet) = (plan, sheet)
        try plan.check(sheet: sheet)
        let drafts = DraftFile.beside(sheet)
        try Scratch.check(writing: drafts)
        // The user did not name it: it may be a model's weights.
        if FileManager.default.fileExists(atPath: drafts.path), (try? DraftFile.read(drafts)) == nil {
            throw CommandError.failure(
                "--output \(sheet.path): the drafts would replace \(drafts.path), which holds none; give another name")
        }
    }

    mutating func add(_ made: MadeImage) { images.append(made) }

    func finish() throws -> [URL] {
        let metadata = plan.sheetMetadata
        let latents = try Tensor.cat(images.map(\.latents), 0).to(.float32, .cpu)  // (B, C, h, h)
        let drafts = DraftFile.beside(sheet)
        let file = try DraftFile(metadata: metadata, images: latents, name: drafts.path)
        let scratch = try Scratch(in: sheet.deletingLastPathComponent())
        let names = [drafts, sheet].map(\.lastPathComponent)
        try scratch.make(names[0]) { try file.write(to: $0) }
        try scratch.make(names[1]) { try plan.sheet(images.map(\.stages)).write(to: $0, text: metadata.text()) }
        try scratch.move(names)
        return images.map { _ in sheet }
    }
}
