import Torch
import TorchNN

// B pictures, C channels in, O out, h×w places.

/// Branches side by side, whose channels follow one another in the result.
///
/// The blocks are those of the network's graph of 2015, not of the paper: at the rim its mean pools count no padding,
/// and its last block has a maximum where the others have a mean.
struct InceptionBlock: Sendable {
    private let branches: [Branch]

    /// A pool, convolutions in a row, and at the end perhaps several side by side; each part may be absent.
    private struct Branch: Sendable {
        var pool: Pool?
        var row: [InceptionConvolution] = []
        var fork: [InceptionConvolution] = []

        func callAsFunction(_ x: Tensor) throws(TorchError) -> [Tensor] {
            var h = try pool?(x) ?? x  // (B, C, h, w)
            for convolution in row { h = try convolution(h) }  // (B, O, h, w)
            guard !fork.isEmpty else { return [h] }
            var ends: [Tensor] = []
            for convolution in fork { ends.append(try convolution(h)) }  // (B, O, h, w)
            return ends
        }
    }

    /// Pools of 3×3 places.
    private enum Pool: Sendable {
        case mean
        case maximum(stride: Int)

        func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
            switch self {
            case .mean: try x.meanPooled(3, stride: 1, padding: 1)
            case .maximum(let stride): try x.maxPooled(3, stride: stride, padding: stride == 1 ? 1 : 0)
            }
        }
    }

    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        var parts: [Tensor] = []
        for branch in branches { parts += try branch(x) }  // (B, O, h, w)
        return try .cat(parts, 1)  // (B, ΣO, h, w)
    }
}

// MARK: - The five kinds

extension InceptionBlock {
    /// 35×35 places: 224 channels and those of the pool.
    init(a layers: InceptionLayers, _ inputs: Int, pool: Int) throws(TorchError) {
        branches = [
            Branch(row: [try layers("branch1x1", inputs, 64)]),
            Branch(row: [try layers("branch5x5_1", inputs, 48), try layers("branch5x5_2", 48, 64, (5, 5))]),
            Branch(row: [
                try layers("branch3x3dbl_1", inputs, 64), try layers("branch3x3dbl_2", 64, 96, (3, 3)),
                try layers("branch3x3dbl_3", 96, 96, (3, 3)),
            ]),
            Branch(pool: .mean, row: [try layers("branch_pool", inputs, pool)]),
        ]
    }

    /// From 35×35 to 17×17 places: 480 channels more.
    init(b layers: InceptionLayers, _ inputs: Int) throws(TorchError) {
        branches = [
            Branch(row: [try layers("branch3x3", inputs, 384, (3, 3), stride: 2)]),
            Branch(row: [
                try layers("branch3x3dbl_1", inputs, 64), try layers("branch3x3dbl_2", 64, 96, (3, 3)),
                try layers("branch3x3dbl_3", 96, 96, (3, 3), stride: 2),
            ]),
            Branch(pool: .maximum(stride: 2)),
        ]
    }

    /// 17×17 places: 768 channels, of which the first branch makes the first 192.
    init(c layers: InceptionLayers, _ inputs: Int, inside: Int) throws(TorchError) {
        branches = [
            Branch(row: [try layers("branch1x1", inputs, 192)]),
            Branch(row: [
                try layers("branch7x7_1", inputs, inside), try layers("branch7x7_2", inside, inside, (1, 7)),
                try layers("branch7x7_3", inside, 192, (7, 1)),
            ]),
            Branch(row: [
                try layers("branch7x7dbl_1", inputs, inside), try layers("branch7x7dbl_2", inside, inside, (7, 1)),
                try layers("branch7x7dbl_3", inside, inside, (1, 7)),
                try layers("branch7x7dbl_4", inside, inside, (7, 1)), try layers("branch7x7dbl_5", inside, 192, (1, 7)),
            ]),
            Branch(pool: .mean, row: [try layers("branch_pool", inputs, 192)]),
        ]
    }

    /// From 17×17 to 8×8 places: 512 channels more.
    init(d layers: InceptionLayers, _ inputs: Int) throws(TorchError) {
        branches = [
            Branch(row: [
                try layers("branch3x3_1", inputs, 192), try layers("branch3x3_2", 192, 320, (3, 3), stride: 2),
            ]),
            Branch(row: [
                try layers("branch7x7x3_1", inputs, 192), try layers("branch7x7x3_2", 192, 192, (1, 7)),
                try layers("branch7x7x3_3", 192, 192, (7, 1)),
                try layers("branch7x7x3_4", 192, 192, (3, 3), stride: 2),
            ]),
            Branch(pool: .maximum(stride: 2)),
        ]
    }

    /// 8×8 places: 2048 channels.
    init(e layers: InceptionLayers, _ inputs: Int, isLast: Bool) throws(TorchError) {
        branches = [
            Branch(row: [try layers("branch1x1", inputs, 320)]),
            Branch(
                row: [try layers("branch3x3_1", inputs, 384)],
                fork: [
                    try layers("branch3x3_2a", 384, 384, (1, 3)), try layers("branch3x3_2b", 384, 384, (3, 1)),
                ]),
            Branch(
                row: [try layers("branch3x3dbl_1", inputs, 448), try layers("branch3x3dbl_2", 448, 384, (3, 3))],
                fork: [
                    try layers("branch3x3dbl_3a", 384, 384, (1, 3)), try layers("branch3x3dbl_3b", 384, 384, (3, 1)),
                ]),
            Branch(pool: isLast ? .maximum(stride: 1) : .mean, row: [try layers("branch_pool", inputs, 192)]),
        ]
    }
}
