import Foundation
import Synchronization
import TestSupport
import Testing
import Torch
import TorchNN

/// Element-wise chains that are one pass forwards and one backwards, against the operations that they stand for.
@Suite struct DifferentiableChainTests {
    private let generator: Generator

    init() throws { generator = try Generator(seed: 5) }

    private func random(_ shape: [Int], _ type: DType = .float32) throws -> Tensor {
        try .randn(shape, generator: generator).to(type)
    }

    /// Compares results, and gradients for a random gradient of the result.
    ///
    /// - Parameters:
    ///   - inputs: What `chain` is given; `plain` gets the same numbers in float32.
    private func expectSame(
        _ inputs: [Tensor], tolerance: Double, chain: ([Tensor]) throws -> Tensor, plain: ([Tensor]) throws -> Tensor
    ) throws {
        let leaves = try inputs.map { try $0.leaf() }
        let exact = try inputs.map { try $0.to(.float32).leaf() }
        let (found, expected) = (try chain(leaves), try plain(exact))
        try expectEqual(found, expected, tolerance: tolerance)
        let seed = try random(expected.shape, found.dtype)
        let foundGradients = try gradients(of: [found], seeds: [seed], with: leaves)
        let expectedGradients = try gradients(of: [expected], seeds: [seed.to(.float32)], with: exact)
        for (index, (found, expected)) in zip(foundGradients, expectedGradients).enumerated() {
            #expect(found.dtype == inputs[index].dtype)
            try expectEqual(found, expected, tolerance: tolerance)
        }
    }

    private static let types: [(DType, Double)] = [(.float32, 2e-6), (.bfloat16, 0.008)]

    @Test(arguments: [128, 256, 512], types)
    func everyVectorWidth(bits: Int, type: (DType, Double)) throws {
        Runtime.limitVectors(to: bits)
        defer { Runtime.limitVectors(to: 512) }
        for width in [7, 40, 67] {
            try gelu([3, 5, width], type)
            try modulatedNorm([3, 5, width], type)
            try gatedSum([3, 5, width], type)
        }
    }

    /// Tests run side by side, and what others compute must not change by a bit.
    @Test func aLimitOfVectorsIsTheThreadsOwn() throws {
        let x = try random([8, 67])
        let expected = try x.gelu()
        let widest = Runtime.limitVectors(to: 512)
        #expect(Runtime.limitVectors(to: 128) == 128)
        defer { Runtime.limitVectors(to: 512) }
        try #require(try widest == 128 || difference(x.gelu(), expected) > 0, "the widths round alike")
        let result = Mutex<Tensor?>(nil)
        let ended = DispatchSemaphore(value: 0)
        Thread {
            result.withLock { $0 = try? x.gelu() }
            ended.signal()
        }.start()
        ended.wait()
        let elsewhere = try #require(result.withLock { $0 })
        #expect(try difference(elsewhere, expected) == 0)
    }

    private func gelu(_ shape: [Int], _ type: (DType, Double)) throws {
        try expectSame([random(shape, type.0) * 3], tolerance: type.1) {
            try $0[0].gelu()
        } plain: { inputs in
            let x = inputs[0]
            return try x * 0.5 * ((x + x * x * x * 0.044715) * 0.7978845608028654).tanh() + x * 0.5
        }
    }

    private func modulatedNorm(_ shape: [Int], _ type: (DType, Double)) throws {
        let whole = try random([shape[0], shape[1], 3 * shape[2]], type.0)
        let size = shape[2]
        try expectSame([random(shape) * 2 + 1, whole], tolerance: 2 * type.1) { inputs in
            // Parts of a whole: rows that are further apart than they are long.
            let parts = try inputs[1].split(2, lengths: [size, size, size])
            return try inputs[0].modulatedNorm(shift: parts[2], scale: parts[0], epsilon: LayerNorm.epsilon)
        } plain: { inputs in
            let parts = try inputs[1].split(2, lengths: [size, size, size])
            return try inputs[0].layerNorm(epsilon: LayerNorm.epsilon) * (parts[0] + 1) + parts[2]
        }
    }

    private func gatedSum(_ shape: [Int], _ type: (DType, Double)) throws {
        let branch = try random([shape[1], shape[0], shape[2]], type.0)
        try expectSame([random(shape), branch, random(shape, type.0)], tolerance: type.1) { inputs in
            try inputs[0].adding(inputs[1].transpose(0, 1), gate: inputs[2])
        } plain: { inputs in
            try inputs[0] + inputs[1].transpose(0, 1) * inputs[2]
        }
    }

    /// Far out, where the exponential would overflow.
    @Test(arguments: types)
    func geluOfLargeNumbers(_ type: (DType, Double)) throws {
        let x = try Tensor([-1e30, -1000, -31, 31, 1000, 1e30], shape: [2, 3]).to(type.0).leaf()
        let y = try x.gelu()
        #expect(try y.to(.float32).floats().prefix(3).allSatisfy { abs($0) < 1e-30 })
        #expect(try difference(y.narrow(0, start: 1, length: 1), x.narrow(0, start: 1, length: 1)) == 0)
        let slopes = try gradients(of: [y.sum()], with: [x])[0].to(.float32).floats()
        for (slope, expected) in zip(slopes, [0, 0, 0, 1, 1, 1] as [Float]) { #expect(abs(slope - expected) < 1e-30) }
    }

    /// Shapes and types that the loops do not know: the plain operations take them, broadcast as they do, or refuse.
    @Test func whatTheLoopsDoNotKnow() throws {
        let x = try random([2, 3, 8])
        let (row, other) = (try random([8]), try random([2, 3, 8]))
        try expectEqual(x.adding(row, gate: other), x + row * other)
        try expectEqual(
            x.modulatedNorm(shift: row, scale: row, epsilon: 1e-6), x.layerNorm(epsilon: 1e-6) * (row + 1) + row)
        let half = try x.to(.bfloat16)
        try expectEqual(half.adding(half, gate: half), x + x * x, tolerance: 0.02)
        #expect(throws: TorchError.self) { try x.adding(random([2, 3, 7]), gate: x) }
        #expect(throws: TorchError.self) { try x.modulatedNorm(shift: x, scale: random([9]), epsilon: 1e-6) }
        #expect(try Tensor.zeros([0, 8]).gelu().shape == [0, 8])
        // Contiguous, whatever the stride of a dimension of one.
        let single = try random([2, 1, 3, 4]).transpose(1, 2)
        try expectEqual(single.gelu(), single.reshape([6, 4]).gelu().reshape([2, 3, 1, 4]))
    }
}
