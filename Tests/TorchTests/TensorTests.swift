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
