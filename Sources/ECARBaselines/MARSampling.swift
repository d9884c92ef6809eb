import Torch
import TorchNN

extension MAR {
    /// Begins images of the given classes with noise and orders from a seed, at temperature 1. No token is drawn before
    /// ``MARSampling/next()``.
    ///
    /// - Parameters:
    ///   - steps: Diffusion steps of a token.
    ///   - iterations: In how many rounds the tokens are drawn.
    ///   - guidance: 1 is none; else it grows linearly from 1 to this with the number of known tokens.
    /// - Throws: ``TorchError`` for a class that the model does not have, or no class, step or iteration at all.
    public func sampling(
        labels: [Int], steps: Int = 100, guidance: Double = 1, iterations: Int = 64, seed: UInt64
    ) throws -> MARSampling {
        var random = SeededNumbers(state: Generator.seed(seed))
        let orders = labels.map { _ in Array(0..<configuration.tokens).shuffled(using: &random) }
        let (batch, channels) = (labels.count, configuration.channels)
        return try sampling(
            labels: labels, steps: steps, guidance: guidance, iterations: iterations, orders: orders
        ) { (step, tokens) throws(TorchError) in
            let seed = Generator.seed(seed, UInt64(tokens.lowerBound), UInt64(step))
            return try .randn([batch, tokens.count, channels], generator: Generator(seed: seed)).to(device)
        }
    }

    /// Begins images with given orders and noise.
    ///
    /// - Parameters:
    ///   - orders: Of each image, the positions 0 ..< N in the order in which they become known.
    ///   - noises: One tensor (B, N, C) a diffusion step, by position: where a token starts from, then what each step adds.
    public func sampling(
        labels: [Int], guidance: Double = 1, iterations: Int, orders: [[Int]], noises: [Tensor]
    ) throws -> MARSampling {
        let (n, channels) = (configuration.tokens, configuration.channels)
        guard orders.count == labels.count, orders.allSatisfy({ $0.sorted() == Array(0..<n) }) else {
            throw TorchError("\(labels.count) images need as many orders of \(n) positions")
        }
        guard noises.allSatisfy({ $0.shape == [labels.count, n, channels] }) else {
            throw TorchError("\(labels.count) images need noise of the shape \([labels.count, n, channels])")
        }
        let ordered = try noises.map { try $0.to(device).reordered(orders) }
        return try sampling(
            labels: labels, steps: noises.count, guidance: guidance, iterations: iterations, orders: orders
        ) { (step, tokens) throws(TorchError) in
            try ordered[step].narrow(1, start: tokens.lowerBound, length: tokens.count)
        }
    }

    private func sampling(
        labels: [Int], steps: Int, guidance: Double, iterations: Int, orders: [[Int]],
        noise: @escaping MARSampling.Noise
    ) throws -> MARSampling {
        if let wrong = labels.first(where: { !(0..<configuration.classes).contains($0) }) {
            throw TorchError("there is no class \(wrong): the model has the classes 0…\(configuration.classes - 1)")
        }
        guard !labels.isEmpty else { throw TorchError("there is no class to make an image of") }
        guard (1...configuration.tokens).contains(iterations) else {
            throw TorchError("there must be 1…\(configuration.tokens) iterations, not \(iterations)")
        }
        let schedule = try DiffusionSchedule(.cosine, steps: steps)
        return MARSampling(
            model: self, labels: labels, guidance: guidance, known: configuration.known(iterations: iterations),
            schedule: schedule, orders: orders, noise: noise)
    }
}

/// Images on their way, some tokens more an iteration. A value: a copy can be kept and continued.
///
/// B images, R = B or with guidance 2B rows (the classes first, then no class), N tokens, K known ones, C channels.
public struct MARSampling {
    /// Of a diffusion step, for some of the tokens in the order of drawing: (B, n, C).
    typealias Noise = (_ step: Int, _ tokens: Range<Int>) throws(TorchError) -> Tensor

    /// What stays the same from iteration to iteration, and what the encoder sees.
    private struct State {
        let positions: MARTransformer.Positions
        let times: Tensor  // (T, 1, W)
        var seen: Tensor  // (R, M + K, D)
        var drawn: [Tensor] = []  // (B, n, C) each
    }

    private let model: MAR
    private let labels: [Int]
    private let guidance: Double
    private let known: [Int]
    private let schedule: DiffusionSchedule
    private let orders: [[Int]]
    private let noise: Noise
    private var index = 0
    private var state: State?

    init(
        model: MAR, labels: [Int], guidance: Double, known: [Int], schedule: DiffusionSchedule, orders: [[Int]],
        noise: @escaping Noise
    ) {
        (self.model, self.labels, self.guidance, self.known) = (model, labels, guidance, known)
        (self.schedule, self.orders, self.noise) = (schedule, orders, noise)
    }

    /// The iterations.
    public var totalSteps: Int { known.count }

    /// The latents (B, C, h, h) after one more iteration, zero where nothing is known yet; nil after the last.
    public mutating func next() throws -> Tensor? {
        guard index < totalSteps else { return nil }
        return try Runtime.inference { try advance() }
    }

    private mutating func advance() throws -> Tensor {
        var current = if let state { state } else { try begin() }
        let range = (index == 0 ? 0 : known[index - 1])..<known[index]
        let (batch, count) = (labels.count, range.count)
        let c = model.configuration

        if let last = current.drawn.last {
            let rows = isGuided ? try Tensor.cat([last, last], 0) : last  // (R, n, C)
            current.seen = try model.transformer.append(rows, to: current.seen, current.positions)
        }
        let conditions = try model.transformer.conditions(current.seen, next: count, current.positions)  // (R, n, D)
        // The last iteration's guidance is the public code's: that of one token still to come.
        let progress = Double(min(range.upperBound, c.tokens - 1)) / Double(c.tokens)
        let tokens = try model.head.draw(
            conditions.reshape([-1, c.width]), times: current.times, schedule: schedule,
            guidance: isGuided ? 1 + (guidance - 1) * progress : nil
        ) { (step) throws(TorchError) in
            try noise(step, range).reshape([batch * count, c.channels])
        }
        current.drawn.append(try tokens.reshape([batch, count, c.channels]))
        (state, index) = (current, index + 1)

        let unknown = try Tensor.zeros([batch, c.tokens - range.upperBound, c.channels], device: model.device)
        return try Tensor.cat(current.drawn + [unknown], 1).reordered(orders.map(Self.inverse))  // (B, N, C)
            .transpose(1, 2).reshape(c.latentShape(batch: batch))  // (B, C, h, h)
    }

    private var isGuided: Bool { guidance != 1 }

    private func begin() throws(TorchError) -> State {
        let conditions = try model.conditions(labels: labels, guided: isGuided)  // (R, D)
        return State(
            positions: try model.transformer.positions(orders: isGuided ? orders + orders : orders),
            times: try model.head.times(schedule.steps.map(\.time)), seen: try model.transformer.start(conditions))
    }

    /// At which place of an order each position stands.
    private static func inverse(_ order: [Int]) -> [Int] {
        var places = order
        for (place, position) in order.enumerated() { places[position] = place }
        return places
    }
}

extension Tensor {
    /// The tokens of each image (B, N, C) in an order of its own.
    fileprivate func reordered(_ orders: [[Int]]) throws(TorchError) -> Tensor {
        let count = shape[1]
        let rows = orders.enumerated().flatMap { image, order in order.map { image * count + $0 } }
        return try reshape([-1, shape[2]]).gather(0, Tensor(rows, device: device)).reshape(shape)  // (B, N, C)
    }
}

/// The numbers of a seed, the same on every machine.
private struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = Generator.seed(state)
        return state
    }
}
