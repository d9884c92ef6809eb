import ECARImages
import Torch
import TorchNN

/// A small residual network (arXiv 1603.05027, with group instead of batch normalisation) that tells classes apart, for
/// worlds that Inception knows nothing of.
///
/// Letters: B pictures of C channels and side s; D features, the mean over places of the last map; K classes.
public struct Classifier: FeatureExtractor {
    public let configuration: ClassifierConfiguration
    /// All parameters, in the order and by the names of the file.
    public let parameters: Parameters
    public let digest: String

    private let stem: Conv2d
    private let blocks: [ResidualBlock]
    private let norm: GroupNorm
    private let head: Linear

    /// Builds the network over the given parameters: fresh ones to be trained, or weights read from a file.
    ///
    /// - Parameter digest: Names the weights; fresh ones have no name.
    /// - Throws: `ECARError` where the configuration is invalid; `TorchError` naming a tensor that is missing, of another
    ///   shape, or of no use.
    public init(_ configuration: ClassifierConfiguration, _ parameters: Parameters, digest: String = "") throws {
        try configuration.validate()
        (self.configuration, self.parameters, self.digest) = (configuration, parameters, digest)
        let widths = configuration.widths
        stem = try Conv2d(parameters.scope("stem"), configuration.channels, widths[0], kernel: 3, hasBias: false)
        var (blocks, width) = ([ResidualBlock](), widths[0])
        for (level, next) in widths.enumerated() {
            for index in 0..<configuration.blocks {
                let place = parameters.scope("levels").scope(level).scope(index)
                blocks.append(try ResidualBlock(place, width, next, stride: level > 0 && index == 0 ? 2 : 1))
                width = next
            }
        }
        self.blocks = blocks
        norm = try GroupNorm(parameters.scope("norm"), width, groups: width / ClassifierConfiguration.groupSize)
        head = try Linear(parameters.scope("head"), width, configuration.classNames.count)
        if let unused = parameters.unusedWeights.first {
            throw TorchError("the tensor \(unused) does not belong to a classifier of this configuration")
        }
    }

    // MARK: The network

    /// The features and the logits of pictures of the network's own side and channels.
    ///
    /// - Parameter pictures: (B, C, s, s) as uint8.
    public func logits(_ pictures: Tensor) throws(TorchError) -> (features: Tensor, logits: Tensor) {
        var x = try (pictures.to(.float32) * (1 / 127.5) - 1).channelsLast()  // (B, C, s, s)
        x = try stem(x)
        for block in blocks { x = try block(x) }  // (B, D, s/2ⁿ, s/2ⁿ)
        let features = try norm(x).silu().to(.float32).mean(3).mean(2)  // (B, D)
        return (features, try head(features).to(.float32))  // (B, K)
    }

    /// The mean cross-entropy of a batch, with a little label smoothing.
    public func loss(_ pictures: Tensor, labels: [Int], smoothing: Double) throws(TorchError) -> Tensor {
        let classes = try Tensor(labels, device: device)
        return try logits(pictures).logits.crossEntropy(classes, smoothing: smoothing)
    }

    // MARK: As a feature extractor

    public var name: String { "classifier of \(configuration.classNames.count) classes" }
    public var device: Device { parameters.device }
    public var sizes: (features: Int, spatial: Int, classes: Int) {
        (configuration.widths[configuration.widths.count - 1], 0, configuration.classNames.count)
    }

    public func callAsFunction(_ pictures: Tensor) throws -> PictureFeatures {
        try Runtime.inference {
            let (features, logits) = try logits(fitted(pictures))
            return PictureFeatures(features: features, probabilities: try logits.softmax(1))
        }
    }

    /// The pictures as the network was trained on them.
    private func fitted(_ pictures: Tensor) throws -> Tensor {
        let (shape, side, channels) = (pictures.shape, configuration.side, configuration.channels)
        guard shape.count == 4 else { throw TorchError("expected pictures (B, C, H, W), got \(shape)") }
        guard Array(shape[1...]) != [channels, side, side] else { return pictures }
        let transform = try PictureTransform(side: side, channels: channels, fit: configuration.fit)
        let bytes = try pictures.bytes()
        let size = shape[1] * shape[2] * shape[3]
        let planes = try (0..<shape[0]).flatMap { index in
            let picture = try Image(
                planes: Array(bytes[index * size..<(index + 1) * size]), channels: shape[1], height: shape[2],
                width: shape[3])
            return try transform.apply(picture).planes
        }
        return try Tensor(bytes: planes, shape: [shape[0], channels, side, side], dtype: .uint8, device: device)
    }
}

/// Norm, activation and convolution twice, added to what came in.
private struct ResidualBlock {
    let norms: [GroupNorm]
    let convolutions: [Conv2d]
    /// Where the sizes of input and output differ.
    let shortcut: Conv2d?

    init(_ parameters: Parameters, _ inputs: Int, _ outputs: Int, stride: Int) throws(TorchError) {
        let size = ClassifierConfiguration.groupSize
        norms = [
            try GroupNorm(parameters.scope("norm1"), inputs, groups: inputs / size),
            try GroupNorm(parameters.scope("norm2"), outputs, groups: outputs / size),
        ]
        convolutions = [
            try Conv2d(parameters.scope("conv1"), inputs, outputs, kernel: 3, stride: stride, hasBias: false),
            try Conv2d(parameters.scope("conv2"), outputs, outputs, kernel: 3, hasBias: false),
        ]
        shortcut =
            inputs == outputs && stride == 1
            ? nil : try Conv2d(parameters.scope("shortcut"), inputs, outputs, kernel: 1, stride: stride, hasBias: false)
    }

    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        let start = try norms[0](x).silu()
        let change = try convolutions[1](norms[1](convolutions[0](start)).silu())
        return try (shortcut?(start) ?? x) + change
    }
}
