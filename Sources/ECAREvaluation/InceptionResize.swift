import Torch

/// How pictures get the size and range of Inception's input: programs differ in it, and their scores with them.
public enum InceptionResize: String, Codable, Sendable, CaseIterable {
    /// TensorFlow 1's bilinear resize, which the network's graph of 2015 does itself: pixel i of the result is read at
    /// i·scale, without regard to the pixels' middles. guided-diffusion and torch-fidelity use it.
    case tensorflow
    /// The ordinary bilinear resize between the middles of pixels, without a filter against aliasing: pytorch-fid's.
    case pytorchFID = "pytorch-fid"

    /// The side of the network's input.
    static let side = 299

    /// - Parameter pictures: (B, C, H, W) as float32, 0…255.
    /// - Returns: (B, C, 299, 299), about −1…1.
    public func callAsFunction(_ pictures: Tensor) throws(TorchError) -> Tensor {
        let shape = pictures.shape
        guard shape.count == 4, shape[2] > 0, shape[3] > 0 else {
            throw TorchError("pictures are (B, C, H, W), not \(shape)")
        }
        let rows = axis(shape[2])
        let columns = axis(shape[3])
        switch self {
        case .tensorflow:
            let resized = try rows(columns(pictures, 3), 2)  // (B, C, 299, 299)
            return try (resized - 128) / 128
        case .pytorchFID:
            let resized = try rows(columns(pictures / 255, 3), 2)  // (B, C, 299, 299)
            return try resized * 2 - 1
        }
    }

    private func axis(_ size: Int) -> ResizeAxis {
        switch self {
        case .tensorflow: ResizeAxis(from: size, to: Self.side) { i, scale in i * scale }
        // Rounded once, as PyTorch's vectorised code does.
        case .pytorchFID:
            ResizeAxis(from: size, to: Self.side) { i, scale in Float(-0.5).addingProduct(i + 0.5, scale) }
        }
    }
}
