import ECARImages
import Files
import Foundation
import Torch

/// Means and covariances of a set's features in an `.npz` file, as guided-diffusion, pytorch-fid and clean-fid write them:
/// `mu` (D) and `sigma` (D, D), and guided-diffusion's `mu_s` and `sigma_s` of the spatial features.
public struct StatisticsFile: Sendable {
    public let features: GaussianStatistics
    public let spatial: GaussianStatistics?

    public init(features: GaussianStatistics, spatial: GaussianStatistics? = nil) {
        (self.features, self.spatial) = (features, spatial)
    }

    /// Reads a file; arrays of other names are passed over unread.
    ///
    /// - Parameters:
    ///   - width: how many features the network has.
    ///   - spatialWidth: how many spatial ones; 0: those of the file are left alone.
    /// - Throws: `FileError` if the file is damaged, or its arrays are not such statistics of that network.
    public init(_ url: URL, width: Int, spatialWidth: Int = 0) throws {
        let headers = try listNpz(url)
        guard headers["mu"] != nil else {
            throw FileError(
                url.path, "holds no statistics",
                remedy: "Give an .npz file with mu and sigma, or with pictures as arr_0")
        }
        features = try Self.read(url, headers, suffix: "", width: width)
        let hasSpatial = spatialWidth > 0 && headers["mu_s"] != nil
        spatial = hasSpatial ? try Self.read(url, headers, suffix: "_s", width: spatialWidth) : nil
    }

    /// Writes the file; it appears once it is whole.
    ///
    /// - Throws: `FileError` if it cannot be written.
    public func write(to url: URL) throws {
        var arrays: [String: NumpyArray] = [:]
        for (suffix, part) in [("", features), ("_s", spatial)] {
            guard let part else { continue }
            arrays["mu\(suffix)"] = try NumpyArray(try part.mean.doubles(), shape: part.mean.shape)
            arrays["sigma\(suffix)"] = try NumpyArray(try part.covariance.doubles(), shape: part.covariance.shape)
        }
        try writeNpz(arrays, to: url)
    }

    private static func read(
        _ url: URL, _ headers: [String: NumpyHeader], suffix: String, width: Int
    ) throws -> GaussianStatistics {
        let (mu, sigma) = ("mu\(suffix)", "sigma\(suffix)")
        // Shapes are checked first, so that nothing of another size is read.
        for (name, rank) in [(mu, 1), (sigma, 2)] {
            guard let header = headers[name] else { throw FileError(url.path, "holds no array \(name)") }
            guard header.type.hasSuffix("f4") || header.type.hasSuffix("f8") else {
                throw FileError(url.path, "holds \(name) of type \(header.type), not of float32 or float64")
            }
            guard header.shape.count == rank, Set(header.shape).count == 1 else {
                throw FileError(url.path, "holds \(name) of shape \(header.shape), which is not that of statistics")
            }
            guard header.shape[0] == width else {
                throw FileError(
                    url.path, "holds \(name) of \(header.shape[0]) features, but the network has \(width)",
                    remedy: "Give statistics that were made with the same network")
            }
        }
        let arrays = try readNpz(url, names: [mu, sigma])
        guard let mean = try arrays[mu]?.doubles(), let covariance = try arrays[sigma]?.doubles() else {
            throw FileError(url.path, "has changed while it was read")
        }
        try check(mean: mean, covariance: covariance, names: (mu, sigma), file: url.path)
        let matrix = try Tensor(bytes: covariance, shape: [width, width], dtype: .float64)
        return try GaussianStatistics(
            mean: try Tensor(bytes: mean, shape: [width], dtype: .float64),
            covariance: try (matrix + matrix.transpose(0, 1)) / 2)
    }

    /// Networks' features are float32, and so no mean is beyond its largest number, and no covariance beyond its square.
    private static let largest = Double(Float.greatestFiniteMagnitude)

    /// What no covariance lacks: numbers that features can have, symmetry but for rounding, and no negative variance.
    private static func check(
        mean: [Double], covariance: [Double], names: (mean: String, covariance: String), file: String
    ) throws(FileError) {
        let width = mean.count
        guard mean.allSatisfy(\.isFinite) else {
            throw FileError(file, "holds \(names.mean) with values that are not finite")
        }
        guard mean.allSatisfy({ abs($0) <= Self.largest }) else {
            throw FileError(file, "holds \(names.mean) with values that are too large for features")
        }
        var largest = 0.0
        var difference = 0.0
        for row in 0..<width {
            for column in 0...row {
                let (one, other) = (covariance[row * width + column], covariance[column * width + row])
                guard one.isFinite, other.isFinite else {
                    throw FileError(file, "holds \(names.covariance) with values that are not finite")
                }
                largest = max(largest, abs(one), abs(other))
                difference = max(difference, abs(one - other))
            }
            guard covariance[row * width + row] >= 0 else {
                throw FileError(file, "holds \(names.covariance) with a negative variance, of feature \(row)")
            }
        }
        guard largest <= Self.largest * Self.largest else {
            throw FileError(file, "holds \(names.covariance) with values that are too large for features")
        }
        guard difference <= 1e-4 * largest else {
            throw FileError(file, "holds \(names.covariance) that is not symmetric, as a covariance is")
        }
    }
}
