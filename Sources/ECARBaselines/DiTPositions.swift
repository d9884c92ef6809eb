import Foundation
import Torch

extension DiTConfiguration {
    /// The fixed positions (N, D) of a square grid of tokens: sines, then cosines, of the column in the first half of the
    /// width, of the row in the second, at D/4 geometric frequencies from 1 down towards 1/10,000.
    func positions() throws(TorchError) -> Tensor {
        let (grid, quarter) = (side / patch, width / 4)
        let frequencies = (0..<quarter).map { pow(10_000, -Double($0) / Double(quarter)) }
        // [sin, cos] of every coordinate, once.
        let waves = (0..<grid).map { coordinate in
            let angles = frequencies.map { Double(coordinate) * $0 }
            return angles.map { Float(sin($0)) } + angles.map { Float(cos($0)) }
        }
        var values: [Float] = []
        values.reserveCapacity(tokens * width)
        for row in waves {
            for column in waves { values += column + row }
        }
        return try Tensor(values, shape: [tokens, width])  // (N, D)
    }
}
