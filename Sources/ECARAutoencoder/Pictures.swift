import ECAR
import ECARImages
import Files
import Torch

extension ImageBatch {
    /// The pixels on the device, 0…255 mapped to −1…1.
    public func latents(_ configuration: ModelConfiguration, device: Device) throws(TorchError) -> Tensor {
        let side = configuration.sides.last ?? 0
        let shape = [labels.count, configuration.channels, side, side]
        let bytes = try Tensor(bytes: pixels, shape: shape, dtype: .uint8, device: device)
        return try bytes.to(.float32) / 127.5 - 1  // (B, C, h_S, h_S)
    }
}

extension Tensor {
    /// The pictures of latents (B, C, h, h) that are pixels: −1…1 mapped to 0…255, rounded.
    ///
    /// - Throws: `FileError` where a value is not finite, so that no wrong picture passes silently.
    public func images() throws -> [Image] {
        let shape = self.shape
        let values = try floats()
        let size = shape[1] * shape[2] * shape[3]
        return try (0..<shape[0]).map { index in
            try Image(
                planes: Array(values[index * size..<(index + 1) * size]), channels: shape[1], height: shape[2],
                width: shape[3])
        }
    }
}
