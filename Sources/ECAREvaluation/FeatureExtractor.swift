import Torch

/// What a network says of B pictures.
public struct PictureFeatures {
    /// Where distances between pictures are measured.
    public let features: Tensor  // (B, D)
    /// Features that keep their places in the picture, where the network has some: sFID's.
    public let spatial: Tensor?  // (B, S)
    /// Of every class that the network knows, where it knows some.
    public let probabilities: Tensor?  // (B, K)

    public init(features: Tensor, spatial: Tensor? = nil, probabilities: Tensor?) {
        (self.features, self.spatial, self.probabilities) = (features, spatial, probabilities)
    }
}

/// A network in whose features sets of pictures are compared.
public protocol FeatureExtractor {
    /// What reports call it.
    var name: String { get }
    /// SHA-256 of the file or files that it was read from, in hexadecimal.
    var digest: String { get }
    /// All that the features depend on besides the picture: such a text that equal ones mean equal features.
    var identity: String { get }
    var device: Device { get }
    /// D, S and K; S or K is 0 where there are no spatial features or no probabilities.
    var sizes: (features: Int, spatial: Int, classes: Int) { get }

    /// The features, in float32, of pictures of any one size.
    ///
    /// - Parameter pictures: (B, C, H, W) as uint8, C = 1 (grey) or 3.
    func callAsFunction(_ pictures: Tensor) throws -> PictureFeatures
}

extension FeatureExtractor {
    public var identity: String { "\(name) \(digest)" }
}
