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
            "The pictures that the model learned from: is a sample a copy of one? (default: the reference)",
            valueName: "path"))
    var training: String?

    @Option(help: "How real pictures become squares of the samples' size: crop or pad. (default: a classifier's own)")
    var fit: ImageFit?

    func validate() throws {
        if fit != nil, reference == nil, training == nil {
            throw ValidationError("--fit is for real pictures: give a --reference or --training")
        }
        if split != nil, reference == nil { throw ValidationError("--split is a part of the --reference") }
    }

    // MARK: Before anything is read

    /// What the reference holds.
    struct Survey {
        let url: URL?
        let isStatistics: Bool
        /// What can be compared with.
        let content: Set<Metric.Need>
    }

    /// - Throws: `CommandError` or `FileError` where it cannot be what the options say.
    func survey() throws -> Survey {
        guard let url = reference.map({ URL(fileURLWithPath: $0) }) else {
            return Survey(url: nil, isStatistics: false, content: [])
        }
        let arrays = url.pathExtension.lowercased() == "npz" ? try listNpz(url) : [:]
        guard arrays["mu"] != nil else {
            return Survey(url: url, isStatistics: false, content: [.statistics, .spatialStatistics, .pictures])
        }
        if split != nil { throw CommandError.usage("--split: \(url.relativePath) holds statistics") }
        var content: Set<Metric.Need> = [.statistics]
        if arrays["mu_s"] != nil { content.insert(.spatialStatistics) }
        if arrays["arr_0"] != nil { content.insert(.pictures) }
        if fit != nil, arrays["arr_0"] == nil {
            throw CommandError.usage("--fit: \(url.relativePath) holds statistics, and no pictures")
        }
        return Survey(url: url, isStatistics: true, content: content)
    }

    // MARK: Looking at it

    /// The pictures to compare with, and those in which copies are looked for.
    struct Real {
        /// What reports call the reference.
        var title = ""
        var reference: Reference?
        var copies: Copies?
        /// Whether copies are looked for in what the model learned from.
        var isTraining = false
    }

    /// Where copies are looked for, and the pictures themselves.
    struct Copies {
        let search: CopySearch
        let source: any PictureSource
    }

    /// Looks at the real pictures.
    ///
    /// - Parameters:
    ///   - samples: Their size, which the real ones get.
    ///   - metrics: What will be measured.
    ///   - looksForCopies: Whether somebody will see what copies there are.
    func open(
        _ survey: Survey, _ network: EvaluationNetwork, samples: (width: Int, height: Int, channels: Int?),
        metrics: [Metric], looksForCopies: Bool, isQuiet: Bool
    ) throws -> Real {
        let square = try square(network, samples)
        var real = Real(title: title(survey.url, split))
        var source: (any PictureSource)?
        if let url = survey.url {
            let needsPictures = looksForCopies || metrics.contains { $0.need == .pictures }
            if survey.content.contains(.pictures), needsPictures || !survey.isStatistics {
                source = try openPictures(url, split: split, fit: square)
            }
            let set = try source.map {
                try look(at: $0, network, "reference", samples, isQuiet).named(url.relativePath)
            }
            real.reference =
                if survey.isStatistics {
                    try Reference(statistics: url, pictures: set, network: network.extractor)
                } else {
                    try set.map { try Reference($0, network: network.extractor) }
                }
        }
        if let training {
            let pictures = try openPictures(URL(fileURLWithPath: training), fit: square)
            let set = try look(at: pictures, network, "training pictures", samples, isQuiet)
            let title = title(URL(fileURLWithPath: training), nil)
            real.copies = Copies(
                search: try CopySearch(set, title: title, device: network.extractor.device), source: pictures)
            real.isTraining = true
        } else if looksForCopies, let source, let set = real.reference?.set, set.count > 1 {
            real.copies = Copies(
                search: try CopySearch(set, title: real.title, device: network.extractor.device), source: source)
        }
        return real
    }

    private func title(_ url: URL?, _ split: String?) -> String {
        (url?.lastPathComponent ?? "") + (split.map { ", \($0)" } ?? "")
    }

    /// How real pictures become as large as the samples; nil: they stay as they are.
    private func square(
        _ network: EvaluationNetwork, _ samples: (width: Int, height: Int, channels: Int?)
    ) throws -> SquareFit? {
        guard samples.width == samples.height else {
            guard fit == nil else { throw CommandError.usage("--fit: the samples are no squares") }
            return nil
        }
        return (fit ?? network.fit).map { SquareFit(side: samples.width, channels: samples.channels, fit: $0) }
    }

    private func look(
        at source: any PictureSource, _ network: EvaluationNetwork, _ verb: String,
        _ samples: (width: Int, height: Int, channels: Int?), _ isQuiet: Bool
    ) throws -> FeatureSet {
        let set = try ProgressBar.during(verb, unit: "pictures", isQuiet: isQuiet) { progress in
            try FeatureSet(source, network: network.extractor) { done in
                try Interrupt.check()
                progress(done, source.count, "")
            }
        }
        guard set.count >= 2 else { throw CommandError.failure("\(source.name): at least 2 pictures are needed") }
        guard set.size.width == samples.width, set.size.height == samples.height else {
            throw CommandError.failure(
                "\(source.name): its pictures have \(set.size.width)×\(set.size.height) pixels, and the samples "
                    + "\(samples.width)×\(samples.height); say with --fit how they become squares of the samples' size")
        }
        return network.labelled(set)
    }
}
