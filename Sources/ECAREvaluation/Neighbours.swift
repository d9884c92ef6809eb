import Torch

/// The nearest pictures of one set to those of another, nearest first.
public struct Neighbours: Sendable {
    public let distances: Tensor  // (Q, k)
    /// Places in the set that was searched.
    public let indices: Tensor  // (Q, k) int64
}

/// Finds nearest neighbours in features, in blocks: memory grows with the sets, not with their product.
///
/// - Parameters:
///   - queries: (Q, D)
///   - set: (N, D)
///   - count: k, at most N.
///   - excludingSelf: that both are the same set, in which no picture is its own neighbour; k is then at most N − 1.
/// - Throws: ``TorchError`` for other shapes or a k out of range.
public func nearestNeighbours(
    of queries: Tensor, in set: Tensor, count: Int, excludingSelf: Bool = false
) throws(TorchError) -> Neighbours {
    try checkFeatures(queries, set)
    let centre = try set.mean(0, keeping: true)  // (1, D)
    let columns = try BlockedDistances(set, centre: centre)
    let rows = excludingSelf ? columns : try BlockedDistances(queries, centre: centre)
    return try nearestNeighbours(of: rows, in: columns, count: count, excludingSelf: excludingSelf)
}

func nearestNeighbours(
    of rows: BlockedDistances, in columns: BlockedDistances, count: Int, excludingSelf: Bool
) throws(TorchError) -> Neighbours {
    let available = columns.count - (excludingSelf ? 1 : 0)
    guard count >= 1, count <= available, !excludingSelf || rows.count == columns.count else {
        throw TorchError("among \(available) pictures, \(count) neighbours cannot be found")
    }
    var parts: [Neighbours] = []
    for block in rows.blocks {
        let places = try nearest(block, of: rows, in: columns, count: count, excludingSelf: excludingSelf)  // (q, k)
        // Exactly, for the few that matter: a copy is then at distance 0.
        let own = try rows.features.narrow(0, start: block.lowerBound, length: block.count)  // (q, D)
        var distances: [Tensor] = []
        for place in try places.unbind(1, count: count) {
            distances.append(try (own - columns.features.gather(0, place)).square().sum(1).sqrt())  // (q)
        }
        let sorted = try Tensor.stack(distances, 1).smallest(count)  // (q, k), increasing
        parts.append(Neighbours(distances: sorted.values, indices: try reordered(places, by: sorted.indices)))
    }
    return Neighbours(
        distances: try .cat(parts.map(\.distances), 0), indices: try .cat(parts.map(\.indices), 0))
}

/// The places (q, k) of the nearest pictures to one block of rows.
private func nearest(
    _ block: Range<Int>, of rows: BlockedDistances, in columns: BlockedDistances, count: Int, excludingSelf: Bool
) throws(TorchError) -> Tensor {
    let wanted = excludingSelf ? count + 1 : count
    var values: [Tensor] = []  // (q, …) each: the nearest so far
    var places: [Tensor] = []
    for others in columns.blocks {
        let distances = try rows.squared(block, columns, others)  // (q, n)
        let found = try distances.smallest(min(wanted, others.count))
        values.append(found.values)
        places.append(try found.indices + Tensor([others.lowerBound], device: distances.device))
        let candidates = try Tensor.cat(values, 1)
        let kept = try candidates.smallest(min(wanted, candidates.shape[1]))
        (values, places) = ([kept.values], [try reordered(.cat(places, 1), by: kept.indices)])
    }
    let found = try Tensor.cat(places, 1)
    guard excludingSelf else { return found }
    // Where copies of a picture crowd it out of its own list, the last one goes in its stead.
    let all = try found.integers()
    var others: [Int] = []
    for row in 0..<block.count {
        others += all[row * wanted..<(row + 1) * wanted].filter { $0 != block.lowerBound + row }.prefix(count)
    }
    return try Tensor(others, device: found.device).reshape([block.count, count])
}

/// The entries of each row of (q, n) in the order of (q, k).
private func reordered(_ table: Tensor, by order: Tensor) throws(TorchError) -> Tensor {
    let (rows, columns) = (table.shape[0], table.shape[1])
    let starts = try Tensor((0..<rows).map { $0 * columns }, device: table.device).reshape([rows, 1])
    return try table.reshape([-1]).gather(0, (order + starts).reshape([-1])).reshape(order.shape)
}

/// Features prepared for squared distances |a|² + |b|² − 2 a·b, one matrix product a block.
///
/// Both sides are moved by the same centre first: differences of large numbers would cost digits.
struct BlockedDistances: Sendable {
    let features: Tensor  // (N, D), centred
    let norms: Tensor  // (N), squared
    private static let blockSize = 2048

    init(_ features: Tensor, centre: Tensor) throws(TorchError) {
        guard try features.isFinite() else { throw TorchError("some features are not finite numbers") }
        self.features = try features - centre
        norms = try self.features.square().sum(1)
    }

    var count: Int { norms.count }

    /// Runs of rows that are treated at once.
    var blocks: [Range<Int>] {
        stride(from: 0, to: count, by: Self.blockSize).map { $0..<min($0 + Self.blockSize, count) }
    }

    /// The squared distances of some rows to some rows of another set, never negative.
    func squared(_ rows: Range<Int>, _ other: BlockedDistances, _ columns: Range<Int>) throws(TorchError) -> Tensor {
        let a = try features.narrow(0, start: rows.lowerBound, length: rows.count)
        let b = try other.features.narrow(0, start: columns.lowerBound, length: columns.count)
        let aNorms = try norms.narrow(0, start: rows.lowerBound, length: rows.count).reshape([-1, 1])  // (q, 1)
        let bNorms = try other.norms.narrow(0, start: columns.lowerBound, length: columns.count)  // (n)
        return try (a.linear(weight: b * -2, bias: bNorms) + aNorms).clamp(0...Double(Float.greatestFiniteMagnitude))
    }
}
