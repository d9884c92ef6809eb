import Foundation
import Testing
import Torch

@Suite struct TensorTests {
    @Test func makingAndReading() throws {
        let tensor = try Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
        #expect(tensor.shape == [2, 3] && tensor.dtype == .float32 && tensor.device == .cpu && tensor.count == 6)
        #expect(try tensor.transpose(0, 1).floats() == [1, 4, 2, 5, 3, 6])
        #expect(try tensor.narrow(1, start: 1, length: 2).sum().item() == 16)
        #expect(try tensor.to(.bfloat16).bytes().count == 12)
    }

    @Test func operators() throws {
        let (a, b) = (try Tensor([1, 2], shape: [2]), try Tensor([3, 5], shape: [2]))
        #expect(try (a + b).floats() == [4, 7])
        #expect(try (b - a).floats() == [2, 3])
        #expect(try (a * b).floats() == [3, 10])
        #expect(try (b / a).floats() == [3, 2.5])
        #expect(try (2 * a + 1).floats() == [3, 5])
        #expect(try a.addingProduct(a, b).floats() == [4, 12])
    }

    @Test func reductionsAlongADimension() throws {
        let x = try Tensor([1, 5, 3, 4, 2, 6], shape: [2, 3])
        #expect(try x.sum(1).floats() == [9, 12])
        #expect(try x.mean(0).floats() == [2.5, 3.5, 4.5])
        #expect(try x.max(1, keeping: true).shape == [2, 1])
        #expect(try x.max(1).floats() == [5, 6])
        let (largest, smallest) = (try x.largest(2), try x.smallest(1))
        #expect(try largest.values.floats() == [5, 3, 6, 4] && largest.indices.integers() == [1, 2, 2, 0])
        #expect(try smallest.values.floats() == [1, 2] && smallest.indices.integers() == [0, 1])
        #expect(try x.isAtMost(Tensor([3], shape: [1])).floats() == [1, 0, 1, 0, 1, 0])
    }

    @Test func crossEntropyOfClasses() throws {
        let logits = try Tensor([2, 0, 0, 1], shape: [2, 2])
        let (log0, log1) = (log(1 + exp(-2.0)), log(1 + exp(-1.0)))
        let plain = try logits.crossEntropy(Tensor([0, 1])).item()
        #expect(abs(plain - (log0 + log1) / 2) < 1e-6)
        let smooth = try logits.crossEntropy(Tensor([0, 1]), smoothing: 0.5).item()
        #expect(abs(smooth - (log0 + 0.5 + log1 + 0.25) / 2) < 1e-6)
        #expect(throws: TorchError.self) { try logits.crossEntropy(Tensor([0, 2])) }
        #expect(try abs(logits.softmax(1).sum(1).floats()[1] - 1) < 1e-6)
    }

    @Test func pooling() throws {
        let x = try Tensor((1...9).map(Float.init), shape: [1, 1, 3, 3])
        #expect(try x.maxPooled(3, stride: 2, padding: 1).floats() == [5, 6, 8, 9])
        // The zeros outside do not count.
        #expect(try x.meanPooled(3, stride: 2, padding: 1).floats() == [3, 4, 6, 7])
        #expect(try x.channelsLast().floats() == x.floats())
    }

    @Test func convolutionWithAWideKernel() throws {
        let x = try Tensor([1, 2, 3, 4], shape: [1, 1, 1, 4])
        let kernel = try Tensor([1, 10, 100], shape: [1, 1, 1, 3])
        #expect(try x.conv2d(weight: kernel, bias: nil, padding: (0, 1)).floats() == [210, 321, 432, 43])
    }

    @Test func eigenvaluesOfASymmetricMatrix() throws {
        let matrix = try Tensor([2, 1, 1, 2], shape: [2, 2]).to(.float64)
        let (values, vectors) = try matrix.symmetricEigen()
        #expect(try zip(values.doubles(), [1, 3]).allSatisfy { abs($0 - $1) < 1e-12 })
        let rebuilt = try (vectors * values).matmul(vectors.transpose(0, 1))
        #expect(try zip(rebuilt.doubles(), [2, 1, 1, 2]).allSatisfy { abs($0 - $1) < 1e-12 })
        #expect(throws: TorchError.self) { try Tensor([1, 2], shape: [1, 2]).symmetricEigen() }
    }

    @Test func mistakesAreErrors() throws {
        let a = try Tensor([1, 2, 3], shape: [3])
        #expect(throws: TorchError.self) { try Tensor([1, 2], shape: [3]) }
        #expect(throws: TorchError.self) { try Tensor([1, 2], shape: [-1]) }
        #expect(throws: TorchError.self) { try a + Tensor([1, 2], shape: [2]) }
        #expect(throws: TorchError.self) { try a.reshape([2, 2]) }
        #expect(throws: TorchError.self) { try a.item() }
        #expect(throws: TorchError.self) { try Tensor.full([1 << 40, 1 << 20], 0) }
        #expect(throws: TorchError.self) { try Tensor.cat([], 0) }
        #expect(throws: TorchError.self) { try Runtime.setThreads(0) }
    }

    @Test func errorsAreOneLine() throws {
        let error = #expect(throws: TorchError.self) { try Tensor([1], shape: [1]).reshape([7]) }
        #expect(error?.message.contains("\n") == false && error?.message.isEmpty == false)
    }

    @Test func gradientsOfASum() throws {
        let x = try Tensor([1, 2, 3], shape: [3]).requiringGradient()
        let unused = try Tensor([1], shape: [1]).requiringGradient()
        let found = try gradients(of: [x.square().sum()], with: [x, unused])
        #expect(try found[0].floats() == [2, 4, 6])
        #expect(try found[1].floats() == [0])
    }

    @Test func noGraphWithoutGradients() throws {
        let x = try Tensor([1, 2, 3], shape: [3]).requiringGradient()
        let y = try Runtime.withoutGradients { try x.square().sum() }
        #expect(throws: TorchError.self) { try gradients(of: [y], with: [x]) }
    }

    @Test func autocastComputesProductsInBFloat16() throws {
        let x = try Tensor.randn([4, 8], generator: Generator(seed: 1))
        let y = try Runtime.autocast(.bfloat16, on: .cpu) { try x.linear(weight: x, bias: nil) }
        #expect(y.dtype == .bfloat16)
        #expect(try x.linear(weight: x, bias: nil).dtype == .float32)
    }

    @Test func generatorsRepeat() throws {
        let draws = try (0..<2).map { _ in try Tensor.randn([100], generator: Generator(seed: 9)).floats() }
        #expect(draws[0] == draws[1])
    }
}
