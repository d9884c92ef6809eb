import ArgumentParser
import ECAREvaluation
import ECARImages
import Foundation
import Torch

/// What pictures are compared with.
struct ReferenceOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Real pictures: as --samples, or statistics of them (.npz).", valueName: "path"))
    var reference: String?

    @Option(help: ArgumentHelp("The reference's part: train, valid or test.", valueName: "split"))
    var split: String?

    @Option(
        help: ArgumentHelp(
            "Real pictures that samples may be copies of. (default: the reference)", valueName: "path"))
    var training: String?

    @Option(help: "How real pictures become squares of the samples' size: crop or pad. (default: a classifier's own)")
    var fit: ImageFit?

    func validate() throws {
        if split != nil, reference == nil { throw ValidationError("--split is a part of the --reference") }
    }

    /// What a reference can be compared by.
    enum Content {
        case statistics, pictures
    }

    /// The pictures to compare with, and those in which copies are looked for.
    struct Real {
        /// What reports call the reference.
        var title = ""
        var reference: Reference?
        var copies: Copies?
    }

    /// Where copies are looked for, and the pictures themselves.
    struct Copies {
        let search: CopySearch
        let source: any PictureSource
    }

    private var url: URL? { reference.map { URL(fileURLWithPath: $0) } }

    /// What the reference holds, before it is opened; nil where there is none.
    func holds() throws -> Content? {
        guard let url else { return nil }
        guard Reference.isStatistics(url) else { return .pictures }
        return try listNpz(url)["arr_0"] == nil ? .statistics : .pictures
    }

    /// Looks at the real pictures.
    ///
    /// - Parameters:
    ///   - samples: Their size, which the real ones get.
    ///   - looksForCopies: Whether somebody will see what copies there are.
    func open(
        _ network: EvaluationNetwork, samples: (width: Int, height: Int, channels: Int), looksForCopies: Bool,
        isQuiet: Bool
    ) throws -> Real {
        let (extractor, square) = (network.extractor, try square(network, samples))
        var real = Real(title: (url?.lastPathComponent ?? "") + (split.map { ", \($0)" } ?? ""))
        var source: (any PictureSource)?
        if let url, Reference.isStatistics(url) {
            guard split == nil else { throw CommandError.usage("--split: \(url.path) holds statistics") }
            source = try holds() == .pictures ? NpzSource(url) : nil
            let count = source?.count ?? 0
            real.reference = try ProgressBar.during("reference", unit: "pictures", isQuiet: isQuiet) { progress in
                try Reference(statistics: url, network: extractor, progress: Self.checked(progress, of: count))
            }
        } else if let url {
            let pictures = try openPictures(url, split: split, fit: square)
            let set = try look(at: pictures, network, "reference", isQuiet: isQuiet).named(url.relativePath)
            (real.reference, source) = (try Reference(set, network: extractor), pictures)
        }
        if let size = real.reference?.set?.size, size.width != samples.width || size.height != samples.height {
            throw CommandError.failure(
                "\(reference ?? ""): its pictures have \(size.width)×\(size.height) pixels, and the samples "
                    + "\(samples.width)×\(samples.height); say with --fit how they become squares of the samples' size")
        }
        if let training {
            let pictures = try openPictures(URL(fileURLWithPath: training), fit: square)
            let set = try look(at: pictures, network, "training pictures", isQuiet: isQuiet).named(training)
            real.copies = Copies(search: try CopySearch(set, device: extractor.device), source: pictures)
        } else if looksForCopies, let source, let set = real.reference?.set, set.count > 1 {
            real.copies = Copies(search: try CopySearch(set, device: extractor.device), source: source)
        }
        return real
    }

    /// How real pictures become as large as the samples; nil: they stay as they are.
    private func square(
        _ network: EvaluationNetwork, _ samples: (width: Int, height: Int, channels: Int)
    ) throws -> SquareFit? {
        guard samples.width == samples.height else {
            guard fit == nil else { throw CommandError.usage("--fit: the samples are no squares") }
            return nil
        }
        return (fit ?? network.fit).map { SquareFit(side: samples.width, channels: samples.channels, fit: $0) }
    }

    private func look(
        at source: any PictureSource, _ network: EvaluationNetwork, _ verb: String, isQuiet: Bool
    ) throws -> FeatureSet {
        let set = try ProgressBar.during(verb, unit: "pictures", isQuiet: isQuiet) { progress in
            try FeatureSet(
                source, network: network.extractor, progress: Self.checked(progress, of: source.count))
        }
        return network.labelled(set)
    }

    /// Shows progress, and stops where the user wants to.
    private static func checked(_ progress: @escaping (Int, Int, String) -> Void, of total: Int) -> (Int) throws -> Void
    {
        { done in
            try Interrupt.check()
            progress(done, total, "")
        }
    }
}
