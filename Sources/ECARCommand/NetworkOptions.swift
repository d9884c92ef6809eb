import ArgumentParser
import ECAREvaluation
import ECARImages
import Foundation
import Torch

extension InceptionResize: ExpressibleByArgument {}

/// The network in whose features pictures are compared.
struct NetworkOptions: ParsableArguments {
    /// Beside the model's own files.
    private static let usualName = "classifier"

    @Option(
        help: ArgumentHelp(
            "Weights of Inception v3 (safetensors; Scripts/convert_inception.py makes them of the public file).",
            valueName: "file"))
    var inception: String?

    @Option(help: "How pictures are scaled to Inception's size: tensorflow or pytorch-fid. (default: tensorflow)")
    var resize: InceptionResize?

    @Option(
        help: ArgumentHelp(
            "A classifier that `ecar train-classifier` made. (default: without --inception, `\(usualName)` in the "
                + "model's folder)", valueName: "dir"))
    var classifier: String?

    func validate() throws {
        if inception != nil, classifier != nil {
            throw ValidationError("--inception and --classifier: give one of them")
        }
        if inception == nil, resize != nil { throw ValidationError("--resize is for --inception") }
    }

    /// - Parameter model: The folder of the model that is judged, where it is one.
    /// - Throws: `CommandError` where nothing says which network; `FileError` or `ECARError` where it cannot be used.
    func open(model: URL?, device: Device) throws -> EvaluationNetwork {
        if let inception {
            let url = URL(fileURLWithPath: inception)
            return .inception(try InceptionV3.read(url, resize: resize ?? .tensorflow, device: device))
        }
        let beside = model.map { $0.appendingPathComponent(Self.usualName) }
        if let folder = classifier.map({ URL(fileURLWithPath: $0) })
            ?? beside.flatMap({ Classifier.exists(at: $0) ? $0 : nil })
        {
            return .classifier(try Classifier.load(folder, device: device))
        }
        throw CommandError.usage(
            "nothing says in whose features to compare the pictures: give --inception or --classifier. "
                + InceptionV3.howToGetWeights)
    }
}

/// Inception or a classifier of our own.
enum EvaluationNetwork {
    case inception(InceptionV3)
    case classifier(Classifier)

    var extractor: any FeatureExtractor {
        switch self {
        case .inception(let network): network
        case .classifier(let network): network
        }
    }

    /// Those that the network can give, in the order in which they are shown.
    var metrics: [Metric] {
        switch self {
        case .inception(let network):
            [.fid, .sfid] + (network.sizes.classes > 0 ? [.inceptionScore] : []) + [.kid, .precision, .recall]
        case .classifier(let network):
            [.accuracy] + (network.sizes.classes > 5 ? [.top5Accuracy] : [])
                + [.frechet, .kernel, .precision, .recall]
        }
    }

    /// How the pictures that it learned from became squares.
    var fit: ImageFit? {
        switch self {
        case .inception: nil
        case .classifier(let network): network.configuration.fit
        }
    }

    /// Why it cannot tell whether the pictures show what they should; nil where it can.
    func reasonNotToKnow(_ subject: EvaluationSubject) -> String? {
        guard case .classifier(let network) = self else { return "the network knows other classes" }
        guard subject.isLabelled else { return "the classes of the samples are not known" }
        let places = FeatureSet.translation(of: subject.classNames, to: network.configuration.classNames)
        guard let unknown = places.firstIndex(of: nil) else { return nil }
        return "the samples' class \(subject.classNames?[unknown] ?? "") is none of the classifier's"
    }

    /// The set with its classes named and numbered as the classifier does, where it knows them.
    func labelled(_ set: FeatureSet) -> FeatureSet {
        guard case .classifier(let network) = self else { return set }
        let known = set.labelled(by: network.configuration.classNames)
        return known.labels == nil ? set : known
    }

    var summary: EvaluationReport.Network {
        let extractor = extractor
        var summary = EvaluationReport.Network(
            kind: .inception, name: extractor.name, digest: extractor.digest, features: extractor.sizes.features)
        switch self {
        case .inception(let network): summary.resize = network.resize.rawValue
        case .classifier(let network):
            (summary.kind, summary.accuracy) = (.classifier, network.configuration.accuracy?.top1)
        }
        return summary
    }
}
