import Foundation
import Torch

/// The places of a square grid of tokens, as vectors (arXiv 2212.09748).
package enum GridPositions {
    /// (side², D): sines, then cosines, of the column in the first half of the width, of the row in the second, at D/4
    /// geometric frequencies from 1 down towards 1/10,000; what is left of the width is 0.
    ///
    /// - Parameter spacing: Between neighbours. A token of spacing s lies in the middle of the s² tokens of spacing 1 that it
    ///   covers.
    package static func make(side: Int, width: Int, spacing: Double = 1) throws(TorchError) -> Tensor {
        let quarter = width / 4
        let frequencies = (0..<quarter).map { pow(10_000, -Double($0) / Double(quarter)) }
        // [sin, cos] of every coordinate, once.
        let waves = (0..<side).map { index in
            let coordinate = (Double(index) + 0.5) * spacing - 0.5
            let angles = frequencies.map { coordinate * $0 }
            return angles.map { Float(sin($0)) } + angles.map { Float(cos($0)) }
        }
        let rest = [Float](repeating: 0, count: width - 4 * quarter)
        var values: [Float] = []
        values.reserveCapacity(side * side * width)
        for row in waves {
            for column in waves { values += column + row + rest }
        }
        return try Tensor(values, shape: [side * side, width])
    }
}
