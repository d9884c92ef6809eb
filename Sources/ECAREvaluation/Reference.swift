import Crypto
import ECAR
import ECARImages
import Files
import Foundation
import Torch

/// What pictures are compared with: real pictures, statistics of them, or both, as in guided-diffusion's files, whose
/// statistics are of more pictures than they hold.
///
/// All that does not depend on the other side is computed once.
public struct Reference {
    public let name: String
    /// Of the pictures, where there are some.
    public let set: FeatureSet?
    /// SHA-256 of the file, where there are statistics.
    public let statisticsDigest: String?

    let frechet: FrechetReference
    /// Of the spatial features, where they are known.
    let spatial: FrechetReference?
    private let device: Device

    /// Neighbours that precision and recall look at.
    static let neighbours = 3

    /// Whether a path is a file of statistics, perhaps with pictures.
    public static func isStatistics(_ url: URL) -> Bool {
        url.pathExtension.lowercased() == "npz" && (try? StatisticsFile.isPresent(in: url)) == true
    }

    /// Real pictures.
    public init(_ set: FeatureSet, network: any FeatureExtractor) throws {
        (name, self.set, statisticsDigest) = (set.name, set, nil)
        frechet = try FrechetReference(GaussianStatistics(set.all.features))
        spatial = network.sizes.spatial > 0 ? try FrechetReference(GaussianStatistics(set.all.spatial)) : nil
        device = network.device
    }

    /// Reads a file of statistics, and looks at the pictures where it holds some.
    public init(
        statistics url: URL, network: any FeatureExtractor, progress: (Int) throws -> Void = { _ in }
    ) throws {
        let (features, spatial) = (network.sizes.features, network.sizes.spatial)
        let file = try StatisticsFile(url, width: features, spatialWidth: spatial)
        let hasPictures = try listNpz(url)["arr_0"] != nil
        name = url.relativePath
        frechet = try FrechetReference(file.features)
        self.spatial = try file.spatial.map { try FrechetReference($0) }
        set = hasPictures ? try FeatureSet(NpzSource(url), network: network, progress: progress) : nil
        device = network.device
        guard let bytes = try? Data(contentsOf: url, options: .alwaysMapped) else {
            throw FileError(url.path, "cannot be read")
        }
        statisticsDigest = SHA256.hash(data: bytes).hexadecimal
    }

    /// Where the pictures lie in feature space; nil where there are statistics alone.
    ///
    /// - Throws: `TorchError` for too few pictures.
    func manifold() throws(TorchError) -> FeatureManifold? {
        guard let set else { return nil }
        return try FeatureManifold(set.all.features.to(device), neighbours: Self.neighbours)
    }
}
