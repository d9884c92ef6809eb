import ECAR
import ECARImages
import Files
import Foundation
import Torch

/// Drafts to go on with: their first stage, and what it was made from.
///
/// The file lies beside the contact sheet that shows them and has its name but for the ending: a safetensors file of the tensor
/// `stage1`, x̂_1 (B, C, h, h) in float32, and the metadata of the sheet under the same key.
public struct DraftFile: Sendable {
    /// The most drafts of one contact sheet.
    public static let mostDrafts = 10_000
    private static let largestSize = 1 << 30
    private static let tensorName = "stage1"

    /// Those of the contact sheet.
    public let metadata: ImageMetadata
    /// The images after the first stage.
    public let draft: Draft
    /// The path, as errors show it.
    private let name: String

    /// - Parameter images: x̂_1 (B, C, h, h).
    /// - Throws: ``FileError`` where they are no drafts.
    public init(metadata: ImageMetadata, images: Tensor, name: String) throws {
        func check(_ isRight: Bool, _ cause: @autoclosure () -> String) throws(FileError) {
            if !isRight {
                throw FileError(name, "holds no drafts: \(cause())", remedy: "Make some with `ecar sample --draft`")
            }
        }
        let count = metadata.requests.count
        try check((1...Self.mostDrafts).contains(count), "there are 1…\(Self.mostDrafts) in a file, not \(count)")
        try check(metadata.isOfDrafts, "its metadata are not those of a contact sheet")
        try check(metadata.steps.count > 1, "a model of \(metadata.steps.count) stages has none")
        do throws(ECARError) {
            try metadata.settings.validate(stages: metadata.steps.count)
        } catch {
            try check(false, "\(error)")
        }
        let shape = images.shape
        try check(
            images.dtype == .float32 && shape.count == 4 && shape[0] == count && shape[2] == shape[3],
            "its images are not \(count) of float32, but \(shape) of \(images.dtype)")
        try check(images.isFinite(), "its images have values that are NaN or infinite")
        (self.metadata, self.name) = (metadata, name)
        draft = Draft(labels: metadata.requests.map(\.class), stages: [images])
    }

    /// - Throws: ``FileError`` where a model cannot have made them.
    public func check(_ description: ModelDescription) throws(FileError) {
        let shape = description.architecture.latentShape(0, batch: metadata.requests.count)
        guard metadata.steps.count == description.architecture.stages, draft.stages.map(\.shape) == [shape] else {
            throw FileError(name, "holds drafts of another architecture than the model's")
        }
        do throws(ECARError) {
            try metadata.check(classNames: description.classNames)
        } catch {
            throw FileError(name, "holds no drafts of the model: \(error)")
        }
    }

    // MARK: Files

    /// Where the drafts of a contact sheet are.
    public static func beside(_ sheet: URL) -> URL {
        sheet.deletingPathExtension().appendingPathExtension("safetensors")
    }

    /// Reads drafts.
    ///
    /// - Parameter url: Their file, or the contact sheet beside it.
    /// - Throws: ``FileError`` or `ECARError`, naming the file that is not what it should be.
    public static func read(_ url: URL) throws -> DraftFile {
        guard url.pathExtension.lowercased() == "png" else { return try readFile(url) }
        let sheet = try ImageMetadata.read(url)
        guard sheet.isOfDrafts else {
            throw FileError(url.path, "is no contact sheet of drafts", remedy: "Make one with `ecar sample --draft`")
        }
        let file = try readFile(beside(url))
        guard file.metadata == sheet else {
            throw FileError(
                url.path, "shows other drafts than \(file.name) holds",
                remedy: "Put back the file that was made with it")
        }
        return file
    }

    private static func readFile(_ url: URL) throws -> DraftFile {
        let file = try InputFile(url)
        let contents = try SafeTensors.parse(Data(file.contents(limit: largestSize)), name: file.name)
        guard contents.tensors.count == 1, let images = contents.tensors[tensorName] else {
            throw FileError(
                file.name, "holds other tensors than those of drafts", remedy: "Make some with `ecar sample --draft`")
        }
        return try DraftFile(
            metadata: ImageMetadata.read(contents.metadata, name: file.name), images: images, name: file.name)
    }

    /// Writes the file; it appears once it is whole.
    public func write(to url: URL) throws {
        try SafeTensors.write(
            zip([Self.tensorName], draft.stages).map { ($0, $1) }, metadata: metadata.text(), to: url)
    }
}
