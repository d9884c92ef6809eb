/// The weights that make each output pixel along one axis: a bicubic kernel (Keys, a = −½), widened by the scale when
/// shrinking.
struct ResamplingFilter {
    /// The first input pixel of each output pixel.
    private(set) var starts: [Int] = []
    /// `taps` weights for each output pixel, summing to 1; unused ones at the end are zero.
    private(set) var weights: [Float] = []
    let taps: Int
    let inputs: Int
    let outputs: Int

    init(from inputs: Int, to outputs: Int) {
        self.inputs = inputs
        self.outputs = outputs
        let scale = Double(inputs) / Double(outputs)
        let stretch = max(scale, 1)
        let support = 2 * stretch
        taps = min(Int(support.rounded(.up)) * 2 + 1, inputs)
        for output in 0..<outputs {
            let centre = (Double(output) + 0.5) * scale
            let first = max(Int(centre - support + 0.5), 0)
            let end = min(Int(centre + support + 0.5), inputs, first + taps)
            let row = (first..<end).map { Self.bicubic((Double($0) - centre + 0.5) / stretch) }
            let sum = row.reduce(0, +)
            starts.append(min(first, inputs - taps))
            // Near the far edge the window slides back to stay inside; the weights shift with it.
            let shift = first - min(first, inputs - taps)
            weights += (0..<taps).map { tap in
                row.indices.contains(tap - shift) ? Float(row[tap - shift] / sum) : 0
            }
        }
    }

    private static func bicubic(_ x: Double) -> Double {
        let x = abs(x)
        if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
        if x < 2 { return ((-0.5 * x + 2.5) * x - 4) * x + 2 }
        return 0
    }
}

/// Filters rows, then columns.
func resample(
    _ pixels: [UInt8], height: Int, width: Int, channels: Int, across: ResamplingFilter, down: ResamplingFilter
) -> [UInt8] {
    let row = across.outputs * channels
    var middle = [Float](repeating: 0, count: height * row)  // (H, W', C)
    middle.withUnsafeMutableBufferPointer { middle in
        pixels.withUnsafeBufferPointer { pixels in
            for x in 0..<across.outputs {
                let weights = across.weights[x * across.taps..<(x + 1) * across.taps]
                weights.withUnsafeBufferPointer { weights in
                    let start = across.starts[x] * channels
                    for y in 0..<height {
                        for c in 0..<channels {
                            var from = y * width * channels + start + c
                            var sum: Float = 0
                            for weight in weights {
                                sum += weight * Float(pixels[from])
                                from += channels
                            }
                            // Overshoot ends here, as in Pillow, before the second pass can amplify it.
                            middle[y * row + x * channels + c] = min(max(sum, 0), 255)
                        }
                    }
                }
            }
        }
    }
    var line = [Float](repeating: 0, count: row)
    return [UInt8](unsafeUninitializedCapacity: down.outputs * row) { result, count in
        middle.withUnsafeBufferPointer { middle in
            line.withUnsafeMutableBufferPointer { line in
                for y in 0..<down.outputs {
                    line.update(repeating: 0)
                    for tap in 0..<down.taps {
                        let weight = down.weights[y * down.taps + tap]
                        let start = (down.starts[y] + tap) * row
                        for i in 0..<row { line[i] += weight * middle[start + i] }
                    }
                    for i in 0..<row { result[y * row + i] = UInt8(min(max(line[i].rounded(), 0), 255)) }
                }
            }
        }
        count = down.outputs * row
    }
}
