import Foundation
import TestSupport
import Testing
import Torch

/// Numbers that are hashes of a name and an index: Scripts/evaluation_fixtures.py has the rule and computes the same.
struct HashedNumbers {
    private let start: UInt32

    init(_ name: String) {
        start = name.utf8.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    }

    private func hash(_ index: Int) -> UInt32 {
        var h = UInt32(truncatingIfNeeded: index) &* 0x9E37_79B9 &+ start
        h = (h ^ h >> 16) &* 0x85EB_CA6B
        h = (h ^ h >> 13) &* 0xC2B2_AE35
        return h ^ h >> 16
    }

    func byte(_ index: Int) -> UInt8 { UInt8(hash(index) >> 24) }

    /// −1…1.
    func unit(_ index: Int) -> Float { Float(hash(index) >> 8) * 0x1p-23 - 1 }
}

/// A picture (1, 3, H, W) as uint8, given its size as "HxW".
func hashedPicture(_ size: String) throws -> Tensor {
    let sides = size.split(separator: "x").compactMap { Int($0) }
    try #require(sides.count == 2)
    let numbers = HashedNumbers("picture \(size)")
    let bytes = (0..<3 * sides[0] * sides[1]).map(numbers.byte)
    return try Tensor(bytes: bytes, shape: [1, 3] + sides, dtype: .uint8)
}

/// Inception with weights that are hashes, and what other programs make of it.
struct HashedNetwork: Sendable {
    static let shared = Result { try HashedNetwork() }

    /// The weights under the names of pytorch-fid's and torch-fidelity's file.
    let tensors: [String: Tensor]
    /// The names in pytorch-fid's wrapper, which lacks the last layer, by the plain ones.
    let wrapped: [String: String]
    let expected: TensorFile
    /// Of the pictures, as "HxW".
    let sizes: [String]

    init() throws {
        expected = try TensorFile("inception")
        let sides = try expected["sizes"].integers()
        sizes = stride(from: 0, to: sides.count, by: 2).map { "\(sides[$0])x\(sides[$0 + 1])" }
        var (tensors, wrapped): ([String: Tensor], [String: String]) = ([:], [:])
        for line in try #require(expected.metadata["tensors"]).split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            tensors[words[0]] = try Self.tensor(words[0], words[2...].compactMap { Int($0) })
            if words[1] != "-" { wrapped[words[0]] = words[1] }
        }
        (self.tensors, self.wrapped) = (tensors, wrapped)
    }

    private static func tensor(_ name: String, _ shape: [Int]) throws -> Tensor {
        let numbers = HashedNumbers(name)
        let count = shape.reduce(1, *)
        var values = [Float](repeating: 0, count: count)
        let isConvolution = name.hasSuffix("conv.weight")
        if isConvolution || name == "fc.weight" {
            let inputs = Double(shape.dropFirst().reduce(1, *))
            let scale = Float(((isConvolution ? 2 : 1) / inputs).squareRoot() / 148)
            for i in 0..<count { values[i] = Float(2 * Int(numbers.byte(i)) - 255) * scale }
        } else if name.hasSuffix("bn.weight") {
            for i in 0..<count { values[i] = 1 + numbers.unit(i) / 4 }
        } else if name.hasSuffix("running_var") {
            for i in 0..<count { values[i] = 1 + numbers.unit(i) / 2 }
        } else {
            for i in 0..<count { values[i] = numbers.unit(i) / (name == "fc.bias" ? 1 : 8) }
        }
        return try Tensor(values, shape: shape)
    }
}
