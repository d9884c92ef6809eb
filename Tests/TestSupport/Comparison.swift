import Testing
import Torch

/// The largest absolute difference.
public func difference(_ a: Tensor, _ b: Tensor) throws -> Double {
    try #require(a.shape == b.shape, "shapes \(a.shape) and \(b.shape)")
    return try (a.to(.float64) - b.to(.float64)).abs().max().item()
}

/// Expects agreement to 1e-5 of the largest entry.
public func expectEqual(
    _ a: Tensor, _ b: Tensor, tolerance: Double = 1e-5, _ what: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let scale = try b.to(.float64).abs().max().item()
    let error = try difference(a, b) / max(scale, 1e-30)
    #expect(error <= tolerance, "\(what) differs by \(error) of its largest entry", sourceLocation: sourceLocation)
}
