import ECAR
import ECARAutoencoder
import ECARImages
import Foundation
import Torch

/// What a run learns from.
public enum TrainingData: Sendable {
    /// Pictures, which are encoded on the way.
    case pictures(any ImageDataset)
    /// Pictures' latents, which `ecar encode` has made.
    case latents(LatentCache)

    /// Opens a data set or a latent cache, known by its content.
    ///
    /// - Throws: `FileError` or `ECARError` where it is missing, damaged or of no known kind.
    public static func open(_ url: URL) throws -> TrainingData {
        guard LatentCache.isCache(url) else { return .pictures(try openDataset(url)) }
        return .latents(try LatentCache(url))
    }

    /// Whether an autoencoder is needed to learn from it.
    public var needsEncoding: Bool {
        if case .pictures = self { true } else { false }
    }

    /// What errors call it.
    public var name: String {
        switch self {
        case .pictures(let dataset): dataset.name
        case .latents(let cache): cache.url.path
        }
    }

    public var count: Int {
        switch self {
        case .pictures(let dataset): dataset.count
        case .latents(let cache): cache.count
        }
    }

    private func label(_ index: Int) -> Int {
        switch self {
        case .pictures(let dataset): dataset.label(index)
        case .latents(let cache): cache.label(index)
        }
    }

    /// How often every picture is to come in a pass, on average, for classes in proportion to the power `1 - balance` of their
    /// numbers of pictures; the mean is 1.
    package func frequencies(classBalance balance: Double) -> [Double] {
        let labels = (0..<count).map(label)
        let pictures = labels.reduce(into: [:]) { $0[$1, default: 0.0] += 1 }
        let weights = labels.map { pow(pictures[$0, default: 1], -balance) }
        let mean = weights.reduce(0, +) / Double(count)
        return weights.map { $0 / mean }
    }

    public var classNames: [String] {
        switch self {
        case .pictures(let dataset): dataset.classNames
        case .latents(let cache): cache.classNames
        }
    }

    /// What a run must not change while it goes on.
    struct Source: Codable, Equatable {
        var pictures: Int
        /// The autoencoder that made, or makes, the latents.
        var encoder: String
    }

    func source(_ autoencoder: (any Autoencoder)?) -> Source {
        switch self {
        case .pictures: Source(pictures: count, encoder: autoencoder?.identity ?? "")
        case .latents(let cache): Source(pictures: count, encoder: cache.manifest.autoencoder)
        }
    }

    /// - Throws: `ECARError`, in all processes, where one of them was given other data.
    func checkIsShared(in group: ProcessGroup, _ source: Source) throws {
        let own = Array("\(source) \(classNames)".utf8)
        let differs = try group.broadcast(own) != own
        guard try group.sum([differs ? 1 : 0])[0] == 0 else {
            throw ECARError("\(name): not all processes see the same data; give every one of them the same --data")
        }
    }

    /// The factor of the latents that the model learns.
    func latentScale(_ space: LatentSpace) -> Double {
        switch self {
        case .pictures: space.usualScale
        case .latents(let cache): cache.manifest.latentScale
        }
    }

    /// Other names may be given to the data's classes, but none that belongs to another one of them.
    private func checkOrder(of names: [String]) throws(ECARError) {
        for (label, place) in ClassName.places(of: classNames, among: names).enumerated() {
            guard let place, place != label else { continue }
            throw ECARError(
                "\(name): its class \(label) is \"\(classNames[label])\", which is class \(place) of the configuration's classNames: set "
                    + "classNames=null, or bring them into the order of the data")
        }
    }

    /// - Parameters:
    ///   - autoencoder: Encodes pictures; latents need none.
    ///   - processes: How many share a batch.
    /// - Throws: `ECARError` where a run of this configuration cannot learn from it.
    public func check(
        _ configuration: TrainingConfiguration, autoencoder: (any Autoencoder)?, processes: Int = 1
    ) throws(ECARError) {
        func demand(_ condition: Bool, _ message: @autoclosure () -> String) throws(ECARError) {
            if !condition { throw ECARError(message()) }
        }
        let model = configuration.model
        try demand(
            classNames.count == model.classes,
            "\(name) has \(classNames.count) classes, and the configuration \(model.classes): set "
                + "model.classes=\(classNames.count)" + (configuration.classNames == nil ? "" : " and classNames=null"))
        try checkOrder(of: configuration.classNames ?? classNames)
        try demand(
            configuration.batchSize <= count,
            "\(name) has only \(count) images, less than a batch of \(configuration.batchSize): set batchSize")
        try demand(
            configuration.batchSize.isMultiple(of: processes * configuration.microBatches),
            "the batchSize \(configuration.batchSize) cannot be divided among \(processes) processes with "
                + "\(configuration.microBatches) microBatches each")
        let part = configuration.batchSize / (processes * configuration.microBatches)
        for share in configuration.stageShares ?? [] {
            let pictures = share * Double(part)
            try demand(
                pictures > 0.5 && abs(pictures - pictures.rounded()) < 1e-6,
                "stageShares: \(share) of the \(part) pictures that are computed at once is no whole number of them: set "
                    + "batchSize, microBatches or stageShares")
        }
        if let autoencoder {
            try demand(
                autoencoder.space == configuration.latentSpace,
                "the autoencoder is one of \(autoencoder.space.rawValue), and the configuration asks for "
                    + "\(configuration.latentSpace.rawValue)")
        }
        guard case .latents(let cache) = self else {
            return try demand(
                autoencoder != nil,
                "\(name) holds pictures, and the model learns \(configuration.latentSpace.rawValue) latents: say with "
                    + "--autoencoder what encodes them")
        }
        let (manifest, shape) = (cache.manifest, Array(model.latentShape(model.stages - 1, batch: 1).dropFirst()))
        try demand(
            manifest.latentSpace == configuration.latentSpace && manifest.shape == shape,
            "\(name) holds \(manifest.latentSpace.rawValue) latents of the shape \(manifest.shape), and the configuration "
                + "asks for \(configuration.latentSpace.rawValue) ones of \(shape)")
        try demand(
            configuration.data.randomCrop == 0, "data.randomCrop needs pictures, and \(name) holds latents: set it to 0"
        )
        try demand(
            !configuration.data.flip || manifest.isMirrored,
            "\(name) has no mirror images: set data.flip=false, or make it with `ecar encode --mirror`")
    }
}
