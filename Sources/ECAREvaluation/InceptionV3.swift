import Torch
import TorchNN

// B pictures; places by channels: 35×35 by 288, 17×17 by 768, 8×8 by 2048.

/// The Inception v3 of the FID papers: TensorFlow's graph of 2015 (inception-2015-12-05), in the names that its ports
/// to PyTorch gave its layers.
///
/// Its features, spatial features and probabilities are guided-diffusion's
/// (https://github.com/openai/guided-diffusion, evaluations/evaluator.py).
public struct InceptionV3: FeatureExtractor, Sendable {
    public var name: String { "Inception v3" }
    public let digest: String
    public let device: Device
    public var resize: InceptionResize
    /// Whether the weights are known to be the public ones, which scores of papers are made with.
    public let isPublic: Bool

    private let stem: [InceptionConvolution]
    /// Up to Mixed_6d, whose first convolution makes the spatial features.
    private let head: [InceptionBlock]
    private let tail: [InceptionBlock]
    private let classes: Tensor?  // (1008, 2048)

    /// sFID's channels (Nash et al., arXiv 2103.03841).
    private static let spatialChannels = 7

    /// - Parameters:
    ///   - parameters: On the CPU, under the plain names (`Mixed_5b.branch1x1.conv.weight`, …).
    ///   - hasClasses: Whether there is a last layer; without it the network knows no probabilities.
    init(
        _ parameters: Parameters, hasClasses: Bool, digest: String, isPublic: Bool, resize: InceptionResize,
        device: Device
    ) throws(TorchError) {
        (self.digest, self.isPublic, self.resize, self.device) = (digest, isPublic, resize, device)
        let layers = InceptionLayers(parameters: parameters, device: device)
        stem = [
            try layers("Conv2d_1a_3x3", 3, 32, (3, 3), stride: 2),
            try layers("Conv2d_2a_3x3", 32, 32, (3, 3), padding: 0),
            try layers("Conv2d_2b_3x3", 32, 64, (3, 3)), try layers("Conv2d_3b_1x1", 64, 80),
            try layers("Conv2d_4a_3x3", 80, 192, (3, 3), padding: 0),
        ]
        head = [
            try InceptionBlock(a: layers.scope("Mixed_5b"), 192, pool: 32),
            try InceptionBlock(a: layers.scope("Mixed_5c"), 256, pool: 64),
            try InceptionBlock(a: layers.scope("Mixed_5d"), 288, pool: 64),
            try InceptionBlock(b: layers.scope("Mixed_6a"), 288),
            try InceptionBlock(c: layers.scope("Mixed_6b"), 768, inside: 128),
            try InceptionBlock(c: layers.scope("Mixed_6c"), 768, inside: 160),
            try InceptionBlock(c: layers.scope("Mixed_6d"), 768, inside: 160),
        ]
        tail = [
            try InceptionBlock(c: layers.scope("Mixed_6e"), 768, inside: 192),
            try InceptionBlock(d: layers.scope("Mixed_7a"), 768),
            try InceptionBlock(e: layers.scope("Mixed_7b"), 1280, isLast: false),
            try InceptionBlock(e: layers.scope("Mixed_7c"), 2048, isLast: true),
        ]
        guard hasClasses else {
            classes = nil
            return
        }
        // Asked for, so that a file without it is not taken for whole; but no score uses the bias.
        _ = try parameters.scope("fc").tensor("bias", [1008], .zeros)
        classes = try parameters.scope("fc").tensor("weight", [1008, 2048], .xavierUniform).to(device)
    }

    public var identity: String { "\(name) \(digest) \(resize.rawValue)" }

    public var sizes: (features: Int, spatial: Int, classes: Int) {
        (2048, 17 * 17 * Self.spatialChannels, classes == nil ? 0 : 1008)
    }

    /// The last pool's features; the first 7 channels of `mixed_6/conv:0`; and, where the network has its last layer,
    /// the softmax of the logits without bias, as guided-diffusion and torch-fidelity (`logits_unbiased`) take them.
    ///
    /// The graph's `mixed_6/conv` is the convolution Mixed_6d.branch1x1 (the table of torch-fidelity's
    /// utils/util_convert_inception_weights.py). The operations of a convolution are named `conv/Conv2D`,
    /// `conv/batchnorm`, … and last `conv`, so `conv:0` is what its ReLU gives. The evaluator flattens it in
    /// TensorFlow's order: rows, columns, channels.
    ///
    /// - Parameter pictures: (B, C, H, W) as uint8, C = 1 (grey) or 3.
    public func callAsFunction(_ pictures: Tensor) throws -> PictureFeatures {
        let shape = pictures.shape
        guard shape.count == 4, shape[0] > 0, shape[1] == 1 || shape[1] == 3, pictures.dtype == .uint8 else {
            throw TorchError("pictures are (B, 1 or 3, H, W) as uint8, not \(shape) as \(pictures.dtype)")
        }
        return try Runtime.inference { try features(of: pictures) }
    }

    private func features(of pictures: Tensor) throws(TorchError) -> PictureFeatures {
        let count = pictures.shape[0]
        var x = try resize(pictures.to(.float32, device))  // (B, C, 299, 299)
        x = try x.expand([count, 3, InceptionResize.side, InceptionResize.side]).channelsLast()  // (B, 3, 299, 299)
        for convolution in stem[..<3] { x = try convolution(x) }  // (B, 64, 147, 147)
        x = try x.maxPooled(3, stride: 2)  // (B, 64, 73, 73)
        for convolution in stem[3...] { x = try convolution(x) }  // (B, 192, 71, 71)
        x = try x.maxPooled(3, stride: 2)  // (B, 192, 35, 35)
        for block in head { x = try block(x) }  // (B, 768, 17, 17)

        let spatial = try x.narrow(1, start: 0, length: Self.spatialChannels)  // (B, 7, 17, 17)
            .permute([0, 2, 3, 1]).reshape([count, -1])  // (B, 2023)

        for block in tail { x = try block(x) }  // (B, 2048, 8, 8)
        let features = try x.meanPooled(8, stride: 8).reshape([count, -1])  // (B, 2048)
        let probabilities = try classes.map { (weight) throws(TorchError) in
            try features.linear(weight: weight, bias: nil).softmax(1)  // (B, 1008)
        }
        return PictureFeatures(features: features, spatial: spatial, probabilities: probabilities)
    }
}
