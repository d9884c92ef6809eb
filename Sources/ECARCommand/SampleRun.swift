import Crypto
import ECAR
import ECARPictures
import Foundation

/// Images that are made, written and reported: what `ecar sample` and `ecar finish` have in common.
struct SampleRun {
    let maker: ImageMaker
    let requests: [ImageRequest]
    /// What is there of the images, in their order.
    var draft: Draft?
    let shown: StageChoice
    let metadata: ImageMetadata
    /// When the command began, and when the model was there.
    let start, loaded: ContinuousClock.Instant

    /// What `--json` prints.
    private struct Report: Encodable {
        struct Item: Encodable {
            let path: String
            let `class`: Int
            let className: String
            let seed: UInt64
            let variation: UInt64?
            let draft: Int?
            let sha256: String

            init(_ request: ImageRequest, path: URL, sha256: String) {
                (self.path, self.sha256) = (path.path, sha256)
                (self.class, className, seed) = (request.class, request.className, request.seed)
                (variation, draft) = (request.variation?.number, request.draft)
            }
        }
        struct Seconds: Encodable {
            let load, total: Double
            let stages: [Double]
        }
        let images: [Item]
        /// Where the drafts are kept.
        let drafts: String?
        let seconds: Seconds
    }

    /// - Parameter output: What the user calls the place for the images.
    func write(to output: String, _ display: OutputOptions) throws {
        let description = maker.description
        let plan = OutputPlan(
            requests: requests, shown: shown, metadata: metadata, sides: description.pictureSides,
            channels: description.pictureChannels)
        var sink = try plan.open(output)
        let seconds = try maker.make(requests, continuing: draft, isQuiet: display.quiet) { try sink.add($0) }
        let paths = try sink.finish()
        let drafts = shown == .drafts ? DraftFile.beside(paths[0]) : nil
        guard display.json else { return try printPaths(paths, drafts) }

        var digests: [URL: String] = [:]
        for path in Set(paths) { digests[path] = SHA256.hash(data: try Data(contentsOf: path)).hexadecimal }
        let items = zip(requests, paths).map { Report.Item($0, path: $1, sha256: digests[$1] ?? "") }
        let times = Report.Seconds(
            load: (loaded - start) / .seconds(1), total: (ContinuousClock.now - start) / .seconds(1), stages: seconds)
        try Terminal.print(json: Report(images: items, drafts: drafts?.path, seconds: times))
    }

    /// Each path once.
    private func printPaths(_ paths: [URL], _ drafts: URL?) throws {
        for (index, path) in paths.enumerated() where index == 0 || path != paths[index - 1] {
            try Terminal.print(path.path)
        }
        if let drafts { try Terminal.print(drafts.path) }
    }
}
