import ECARImages
import ECARPictures
import Foundation

/// Where made images go. Nothing appears under its name before `finish()`.
protocol SampleOutput {
    mutating func add(_ image: MadeImage) throws
    /// Gives everything its name, and returns the path of each image, in order.
    mutating func finish() throws -> [URL]
}

/// What all kinds of output need to know.
struct OutputPlan {
    let requests: [ImageRequest]
    let shown: StageChoice
    let metadata: ImageMetadata
    /// Sides of the stages' pictures.
    let sides: [Int]
    let channels: Int

    /// Chooses the kind of output by its name, and makes sure that it can be written.
    ///
    /// - Throws: Where the name means nothing, or its folder cannot be written.
    func open(_ path: String) throws -> any SampleOutput {
        let url = URL(fileURLWithPath: path)
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
        let namesFolder = path.hasSuffix("/") || isFolder.boolValue || (!exists && url.pathExtension.isEmpty)
        switch namesFolder ? "/" : url.pathExtension.lowercased() {
        case "png": return try shown == .drafts ? DraftOutput(self, url) : PictureOutput(self, url)
        case _ where shown == .drafts:
            throw CommandError.usage("--output \(path): drafts are shown on a contact sheet, which must end in .png")
        case "/": return try FolderOutput(self, url)
        case "npz" where shown == .every:
            throw CommandError.usage("--stages: an .npz file holds finished images only; use a .png or a folder")
        case "npz": return try NpzOutput(self, url)
        default:
            throw CommandError.usage("--output \(path): must end in .png, .npz or / (a folder)")
        }
    }

    /// Whether there is just one picture, which then stands for itself.
    var isSingle: Bool { requests.count == 1 && shown == .finished }

    /// Of a picture that shows all images.
    var sheetMetadata: ImageMetadata { metadata.grid(requests, shown) }

    /// All images as one picture.
    ///
    /// - Parameter pictures: Of every image those that are shown.
    func sheet(_ pictures: [[Image]]) throws -> Image {
        try ImageSheet(requests: requests, shown: shown).render(pictures)
    }

    /// - Throws: Where a sheet cannot be written, or would be too large to exist.
    func check(sheet url: URL) throws {
        try Scratch.check(writing: url)
        if !isSingle { _ = try ImageSheet(requests: requests, shown: shown).blank(sides: sides, channels: channels) }
    }
}

/// One PNG: the image itself where there is just one, else a grid.
struct PictureOutput: SampleOutput {
    private let plan: OutputPlan
    private let url: URL
    private var pictures: [[Image]] = []

    init(_ plan: OutputPlan, _ url: URL) throws {
        (self.plan, self.url) = (plan, url)
        try plan.check(sheet: url)
    }

    mutating func add(_ made: MadeImage) { pictures.append(made.stages) }

    func finish() throws -> [URL] {
        if plan.isSingle {
            try pictures[0][0].write(to: url, text: plan.metadata.single(plan.requests[0]).text())
        } else {
            try plan.sheet(pictures).write(to: url, text: plan.sheetMetadata.text())
        }
        return pictures.map { _ in url }
    }
}

/// A PNG for each image, in a folder.
struct FolderOutput: SampleOutput {
    private let plan: OutputPlan
    private let url: URL
    private let scratch: Scratch
    private var names: [String] = []
    private var finals: [String] = []

    init(_ plan: OutputPlan, _ url: URL) throws {
        (self.plan, self.url) = (plan, url)
        scratch = try Scratch(in: url)
    }

    mutating func add(_ made: MadeImage) throws {
        let digits = String(finals.count)
        let width = max(4, String(plan.requests.count - 1).count)
        let number = String(repeating: "0", count: width - digits.count) + digits
        let variation = made.request.variation.map { "-variation\($0.number)" } ?? ""
        let stem = "\(number)-\(ClassNames.fileName(made.request.className))-seed\(made.request.seed)\(variation)"
        for (stage, image) in made.stages.dropLast().enumerated() {
            try write(image, "\(stem)-stage\(stage + 1).png", made.request, stage: stage + 1)
        }
        try write(made.image, stem + ".png", made.request, stage: nil)
        finals.append(stem + ".png")
    }

    private mutating func write(_ image: Image, _ name: String, _ request: ImageRequest, stage: Int?) throws {
        let text = try plan.metadata.single(request, stage: stage).text()
        try scratch.make(name) { try image.write(to: $0, text: text) }
        names.append(name)
    }

    func finish() throws -> [URL] {
        try scratch.move(names)
        return finals.map { url.appendingPathComponent($0) }
    }
}

/// All images in one .npz file: `arr_0` (N, H, W, 3) and their classes in `arr_1`.
struct NpzOutput: SampleOutput {
    private let url: URL
    private let writer: NpzWriter
    private var count = 0

    init(_ plan: OutputPlan, _ url: URL) throws {
        self.url = url
        let side = plan.sides.last ?? 0
        writer = try NpzWriter(url, count: plan.requests.count, height: side, width: side)
    }

    mutating func add(_ made: MadeImage) throws {
        try writer.append(made.image, label: made.request.class)
        count += 1
    }

    func finish() throws -> [URL] {
        try writer.finish()
        return Array(repeating: url, count: count)
    }
}
