import Torch

/// Where a set of pictures lies in feature space, as Kynkäänniemi and others estimate it: the union of balls around its
/// pictures, each reaching to its k-th nearest neighbour (arXiv 1904.06991 §3).
public struct FeatureManifold: Sendable {
    /// The neighbours that the radii reach to.
    public let neighbours: Int
    fileprivate let centre: Tensor  // (1, D)
    fileprivate let distances: BlockedDistances
    fileprivate let radii: Tensor  // (N), squared

    /// How many pictures there are.
    public var count: Int { distances.count }

    /// Prepares a set of pictures that others are compared with.
    ///
    /// - Parameter features: (N, D) with N > k
    /// - Throws: ``TorchError`` for too few pictures.
    public init(_ features: Tensor, neighbours: Int = 3) throws(TorchError) {
        try self.init(features, neighbours: neighbours, centre: try features.mean(0, keeping: true))
    }

    fileprivate init(_ features: Tensor, neighbours: Int, centre: Tensor) throws(TorchError) {
        guard features.shape.count == 2, features.shape[0] > neighbours, neighbours >= 1 else {
            throw TorchError(
                "features of shape \(features.shape) are too few for balls that reach to \(neighbours) neighbours")
        }
        self.neighbours = neighbours
        self.centre = centre
        distances = try BlockedDistances(features, centre: centre)
        let found = try nearestNeighbours(of: distances, in: distances, count: neighbours, excludingSelf: true)
        let reach = try found.distances.narrow(1, start: neighbours - 1, length: 1).reshape([-1]).square()
        // Room for the rounding of distances in blocks: else a copy of a picture may lie outside of its ball where that
        // has no radius, as among copies.
        radii = try reach + distances.norms * 0x1p-19
    }
}

/// Improved precision and recall (arXiv 1904.06991): which generated pictures lie among the real ones, and which real ones
/// among the generated. Distances are float32; guided-diffusion rounds its own to float16 where they fit, which can move
/// the third digit.
public struct PrecisionRecall: Sendable {
    /// Of each generated picture: whether it lies in the reference's manifold.
    public let precise: [Bool]
    /// Of each picture of the reference: whether it lies in the manifold of the generated ones.
    public let recalled: [Bool]

    public var precision: Double { fraction(precise) }
    public var recall: Double { fraction(recalled) }

    /// - Parameter generated: (N, D), as many features as the reference has, on the same device.
    /// - Throws: ``TorchError`` for other shapes, or too few pictures.
    public init(generated: Tensor, reference: FeatureManifold) throws(TorchError) {
        try checkFeatures(generated, reference.distances.features)
        let own = try FeatureManifold(generated, neighbours: reference.neighbours, centre: reference.centre)
        let (rows, columns) = (reference.distances, own.distances)
        var precise = [Bool](repeating: false, count: columns.count)
        var recalled = [Bool](repeating: false, count: rows.count)
        // Each block of distances answers both questions.
        for block in rows.blocks {
            let reach = try reference.radii.narrow(0, start: block.lowerBound, length: block.count).reshape([-1, 1])
            for others in columns.blocks {
                let squared = try rows.squared(block, columns, others)  // (real, generated)
                let otherReach = try own.radii.narrow(0, start: others.lowerBound, length: others.count)
                try Self.mark(&recalled, from: block.lowerBound, try squared.isAtMost(otherReach).max(1))
                try Self.mark(&precise, from: others.lowerBound, try squared.isAtMost(reach).max(0))
            }
        }
        (self.precise, self.recalled) = (precise, recalled)
    }

    private static func mark(_ found: inout [Bool], from start: Int, _ flags: Tensor) throws(TorchError) {
        for (place, flag) in try flags.floats().enumerated() where flag > 0 { found[start + place] = true }
    }

    private func fraction(_ flags: [Bool]) -> Double { Double(flags.count { $0 }) / Double(flags.count) }
}
