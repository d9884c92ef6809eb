import Torch

/// How a parameter begins.
public enum Initialization: Sendable {
    case zeros
    case ones
    /// N(0, deviation²).
    case normal(Double)
    /// U(−b, b) with b = √(6 / (in + out)) for a weight (out, in); Glorot and Bengio 2010.
    case xavierUniform
    /// Of the positions (N, D) of a square grid of tokens: a fifth of `GridPositions`, so that neighbours begin alike and a
    /// transformer need not find out first which tokens are. At their full size they drown what the tokens show.
    case grid(spacing: Double)
}

/// A named place in a model's tree of parameters, from which layers take theirs.
///
/// A model is built twice in its life: with fresh parameters to be trained, or over weights read from a file. Layers do
/// not know which; they ask for a name, a shape and a beginning. Names join with dots, as PyTorch's state dictionaries do.
public struct Parameters {
    /// Where the tensors come from.
    public enum Source {
        /// Fresh values, drawn in the order of asking.
        case fresh(Generator)
        /// N(0, 0.02²) wherever a fresh value would not be 1: for measurements without trained weights, where zeros would make
        /// whole branches vanish.
        case random(Generator)
        /// Existing tensors by full name, used as they are where type and device fit.
        case weights([String: Tensor])
    }

    /// All parameters asked for so far, in that order: one store for the whole tree.
    private final class Store {
        let source: Source
        let device: Device
        let matrixType: DType
        let remembers: Bool
        var names: [String] = []
        var tensors: [Tensor] = []

        init(source: Source, device: Device, matrixType: DType, remembers: Bool) {
            self.source = source
            self.device = device
            self.matrixType = matrixType
            self.remembers = remembers
        }
    }

    private let store: Store
    private let prefix: String

    /// - Parameters:
    ///   - matrixType: The type in which linear layers keep their parameters; all else is float32.
    ///   - remembers: Whether the store keeps the tensors that it hands out. Without, they live as long as their layers: a
    ///     model that packs its weights layer by layer then never has all of them twice in memory.
    public init(
        _ source: Source, device: Device = .cpu, matrixType: DType = .float32, remembers: Bool = true
    ) {
        store = Store(source: source, device: device, matrixType: matrixType, remembers: remembers)
        prefix = ""
    }

    private init(store: Store, prefix: String) {
        self.store = store
        self.prefix = prefix
    }

    /// The place `name` below this one.
    public func scope(_ name: String) -> Parameters {
        Parameters(store: store, prefix: prefix + name + ".")
    }

    /// The place of the `index`-th of several equal layers below this one.
    public func scope(_ index: Int) -> Parameters { scope("\(index)") }

    /// The parameter `name` of the given shape, on the store's device.
    ///
    /// - Throws: ``TorchError`` naming the tensor where given weights lack it or have it in another shape.
    public func tensor(
        _ name: String, _ shape: [Int], _ initialization: Initialization, dtype: DType = .float32
    ) throws(TorchError) -> Tensor {
        let name = prefix + name
        let tensor: Tensor
        switch store.source {
        case .fresh(let generator):
            tensor = try Self.draw(shape, initialization, generator).to(dtype, store.device)
        case .random(let generator):
            let initialization = if case .ones = initialization { initialization } else { Initialization.normal(0.02) }
            tensor = try Self.draw(shape, initialization, generator).to(dtype, store.device)
        case .weights(let weights):
            guard let weight = weights[name] else { throw TorchError("the tensor \(name) is missing") }
            guard weight.shape == shape else {
                throw TorchError("the tensor \(name) has the shape \(weight.shape), not the configured \(shape)")
            }
            tensor = try weight.to(dtype, store.device)
        }
        store.names.append(name)
        if store.remembers { store.tensors.append(tensor) }
        return tensor
    }

    private static func draw(_ shape: [Int], _ initialization: Initialization, _ generator: Generator)
        throws(TorchError) -> Tensor
    {
        switch initialization {
        case .zeros: return try .zeros(shape)
        case .ones: return try .full(shape, 1)
        case .normal(let deviation): return try .randn(shape, generator: generator) * deviation
        case .xavierUniform:
            let bound = (6 / Double(max(1, shape.reduce(0, +)))).squareRoot()
            return try (.rand(shape, generator: generator) - 0.5) * (2 * bound)
        case .grid(let spacing):
            let side = Int(Double(shape[0]).squareRoot().rounded())
            return try GridPositions.make(side: side, width: shape[1], spacing: spacing) * 0.2
        }
    }

    // MARK: The whole store

    public var names: [String] { store.names }
    public var tensors: [Tensor] { store.tensors }
    public var device: Device { store.device }
    public var matrixType: DType { store.matrixType }

    /// The parameters below this place, as far as they have been asked for.
    public var tensorsBelow: [Tensor] {
        zip(store.names, store.tensors).compactMap { $0.hasPrefix(prefix) ? $1 : nil }
    }

    /// The parameters by name.
    public var dictionary: [String: Tensor] {
        Dictionary(zip(names, tensors)) { _, last in last }
    }

    /// The given weights' names that no layer has asked for, sorted.
    public var unusedWeights: [String] {
        guard case .weights(let weights) = store.source else { return [] }
        return Set(weights.keys).subtracting(names).sorted()
    }
}
