import Torch

/// Muon (Jordan and others 2024, kellerjordan.github.io/posts/muon): a matrix steps along its momentum with all singular
/// values made about equal, as far as AdamW would step (arXiv 2502.16982).
public final class Muon {
    public struct Settings: Codable, Sendable, Equatable {
        /// At the schedule's peak.
        public var learningRate: Double
        public var momentum: Double
    }

    /// Running averages of the gradients, one of each for a matrix, of its shape.
    public let momenta: [Tensor]

    private let matrices: [Tensor]
    private let momentum: Double
    private let weightDecay: Double
    /// What of the matrices has the same shape once it lies on its side, as much at a time as a cache holds.
    private let groups: [[Part]]
    private static let largestGroup = 1 << 20

    /// Some rows of a matrix, which are a map of their own.
    private struct Part {
        let matrix, firstRow, rows: Int
        let isTall: Bool
    }

    /// - Parameter maps: How many maps each matrix (maps·m, n) consists of, such as query, key and value.
    public init(_ matrices: [Tensor], maps: [Int], momentum: Double, weightDecay: Double = 0) throws(TorchError) {
        self.matrices = try matrices.map { (matrix) throws(TorchError) in try matrix.detach() }
        (self.momentum, self.weightDecay) = (momentum, weightDecay)
        momenta = try matrices.map { (matrix) throws(TorchError) in try matrix.zerosLike() }
        var groups: [[Int]: [Part]] = [:]
        for (index, (matrix, maps)) in zip(matrices, maps).enumerated() {
            let (rows, columns) = (matrix.shape[0] / maps, matrix.shape[1])
            let parts = (0..<maps).map {
                Part(matrix: index, firstRow: $0 * rows, rows: rows, isTall: rows > columns)
            }
            groups[[rows, columns].sorted(), default: []] += parts
        }
        self.groups = groups.sorted { $0.key.lexicographicallyPrecedes($1.key) }.flatMap { shape, parts in
            let most = max(1, Self.largestGroup / (shape[0] * shape[1]))
            return stride(from: 0, to: parts.count, by: most).map { Array(parts[$0..<min($0 + most, parts.count)]) }
        }
    }

    /// Changes the matrices by one step.
    public func update(gradients: [Tensor], learningRate: Double) throws(TorchError) {
        try TensorList.lerpInPlace(momenta, to: gradients, weight: 1 - momentum)
        if weightDecay > 0 { try TensorList.scaleInPlace(matrices, by: 1 - learningRate * weightDecay) }
        for group in groups {
            // (parts, m, n) with m ≤ n; Nesterov's look ahead.
            let ahead = try stacked(group, of: momenta) * momentum + stacked(group, of: gradients) * (1 - momentum)
            let directions = try Self.orthogonalized(ahead).to(.float32)
            let size = 0.2 * Double(directions.shape[2]).squareRoot()
            try TensorList.addInPlace(
                parts(group, of: matrices), directions.unbind(0, count: group.count), factor: -learningRate * size)
        }
    }

    private func parts(_ group: [Part], of tensors: [Tensor]) throws(TorchError) -> [Tensor] {
        try group.map { (part) throws(TorchError) in
            let rows = try tensors[part.matrix].narrow(0, start: part.firstRow, length: part.rows)
            return try part.isTall ? rows.transpose(0, 1) : rows
        }
    }

    /// In bfloat16, for what follows is but an approximation.
    private func stacked(_ group: [Part], of tensors: [Tensor]) throws(TorchError) -> Tensor {
        try .stack(parts(group, of: tensors).map { (part) throws(TorchError) in try part.to(.bfloat16) })
    }

    /// About UVᵀ of matrices UΣVᵀ (…, m, n) with m ≤ n: singular values between 0.7 and 1.2.
    ///
    /// Five iterations of a quintic that grows from 0 as steeply as can be, on matrices whose norm is 1.
    private static func orthogonalized(_ x: Tensor) throws(TorchError) -> Tensor {
        let squares = try x.to(.float32).square().sum(2, keeping: true).sum(1, keeping: true)
        var y = try (x / (squares.sqrt() + 1e-7).to(.bfloat16))
        for _ in 0..<5 {
            let gram = try y.matmul(y.transpose(1, 2))
            let polynomial = try gram * -4.775 + gram.matmul(gram) * 2.0315
            y = try y * 3.4445 + polynomial.matmul(y)
        }
        return y
    }
}
