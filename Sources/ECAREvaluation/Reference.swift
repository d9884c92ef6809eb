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
    /// Where distances between pictures are computed.
    let device: Device

    /// Neighbours that precision and recall look at.
    static let neighbours = 3

    /// Real pictures.
    public init(_ set: FeatureSet, network: any FeatureExtractor) throws {
        (name, self.set, statisticsDigest) = (set.name, set, nil)
        frechet = try FrechetReference(GaussianStatistics(set.all.features))
        spatial = network.sizes.spatial > 0 ? try FrechetReference(GaussianStatistics(set.all.spatial)) : nil
        device = network.device
    }

    /// A file of statistics.
    ///
    /// - Parameter pictures: What the file holds besides, where it is needed.
    /// - Throws: `FileError` where the file is damaged, or its statistics are not of this network.
    public init(statistics url: URL, pictures: FeatureSet?, network: any FeatureExtractor) throws {
        let file = try StatisticsFile(
            url, width: network.sizes.features, spatialWidth: network.sizes.spatial)
        (name, set, device) = (url.relativePath, pictures, network.device)
        frechet = try FrechetReference(file.features)
        spatial = try file.spatial.map { try FrechetReference($0) }
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
