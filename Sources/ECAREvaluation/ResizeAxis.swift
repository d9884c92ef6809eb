import Torch

/// Where a linear resize of one dimension reads: entry i of the result lies between two entries of the source.
struct ResizeAxis {
    private let lower: [Int]
    private let upper: [Int]
    /// How far the result's entry lies from the lower one towards the upper one, 0…1.
    private let weight: [Float]

    /// - Parameters:
    ///   - position: Where entry i of the result is read in the source, given i and the ratio of the two sizes; in
    ///     float32, as in the programs whose scores are to be met.
    init(from size: Int, to count: Int, position: (_ i: Float, _ scale: Float) -> Float) {
        let scale = Float(size) / Float(count)
        let positions = (0..<count).map { min(max(position(Float($0), scale), 0), Float(size - 1)) }
        lower = positions.map { Int($0) }
        upper = lower.map { min($0 + 1, size - 1) }
        weight = zip(positions, lower).map { $0 - Float($1) }
    }

    /// Resizes dimension 2 or 3 of (B, C, H, W).
    func callAsFunction(_ x: Tensor, _ dimension: Int) throws(TorchError) -> Tensor {
        var shape = [1, 1, 1, 1]
        shape[dimension] = weight.count
        let device = x.device
        return try x.gather(dimension, Tensor(lower, device: device)).lerp(
            to: x.gather(dimension, Tensor(upper, device: device)),
            weight: Tensor(weight, shape: shape, device: device))
    }
}
