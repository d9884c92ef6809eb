import ECAR
import Torch
import TorchNN

/// What every training does with its gradients: clip them, take a step of AdamW, or for the blocks' matrices of Muon, and
/// follow the weights with their running average.
public final class Optimization {
    public struct Settings: Sendable {
        public var schedule: LearningRateSchedule
        public var beta1 = 0.9
        public var beta2 = 0.999
        public var weightDecay = 0.0
        /// Without it all steps are AdamW's.
        public var muon: Muon.Settings?
        /// The largest joint norm of the gradients; 0 leaves them as they are.
        public var clipNorm = 0.0
        /// Decay of the running average of the weights.
        public var emaDecay = 0.999

        public init(schedule: LearningRateSchedule) {
            self.schedule = schedule
        }
    }

    public let average: ExponentialMovingAverage
    private let adamW: AdamW
    private let muon: Muon?
    private let parameters: Parameters
    /// Which of the parameters are Muon's.
    private let isMatrix: [Bool]
    private let settings: Settings

    /// - Parameter parameters: Are marked as what gradients are taken with respect to.
    public init(_ parameters: Parameters, settings: Settings) throws(TorchError) {
        (self.parameters, self.settings) = (parameters, settings)
        average = try ExponentialMovingAverage(parameters.tensors)
        for tensor in parameters.tensors { _ = try tensor.requiringGradient() }
        let isMatrix = parameters.names.map { settings.muon != nil && Self.isMatrixOfBlock($0) }
        self.isMatrix = isMatrix
        adamW = try AdamW(
            Self.pick(parameters.tensors, isMatrix, false), beta1: settings.beta1, beta2: settings.beta2,
            weightDecay: settings.weightDecay)
        let maps = parameters.names.map { $0.hasSuffix("qkv.weight") ? 3 : 1 }
        muon = try settings.muon.map { (muon) throws(TorchError) in
            try Muon(
                Self.pick(parameters.tensors, isMatrix, true), maps: Self.pick(maps, isMatrix, true),
                momentum: muon.momentum, weightDecay: settings.weightDecay)
        }
    }

    /// Whether a parameter maps the tokens within a block; modulations do not, nor what leads into the blocks and out of them.
    private static func isMatrixOfBlock(_ name: String) -> Bool {
        name.contains("blocks.")
            && ["attention.qkv.weight", "attention.out.weight", "mlp.in.weight", "mlp.out.weight"]
                .contains { name.hasSuffix($0) }
    }

    /// Muon's part of a list that goes along with the parameters, or AdamW's.
    private static func pick<Element>(_ all: [Element], _ isMatrix: [Bool], _ matrices: Bool) -> [Element] {
        zip(all, isMatrix).filter { $1 == matrices }.map(\.0)
    }

    /// Steps taken.
    public internal(set) var step: Int {
        get { adamW.step }
        set { adamW.step = newValue }
    }

    /// What the optimizers remember of the gradients, by name.
    var moments: [(name: String, tensor: Tensor)] {
        func named(_ prefix: String, _ tensors: [Tensor], ofMatrices: Bool) -> [(String, Tensor)] {
            Array(zip(Self.pick(parameters.names, isMatrix, ofMatrices).map { prefix + "." + $0 }, tensors))
        }
        return named("mean", adamW.means, ofMatrices: false) + named("square", adamW.squares, ofMatrices: false)
            + named("momentum", muon?.momenta ?? [], ofMatrices: true)
    }

    /// Scales the gradients in place so that their joint norm keeps the limit, and returns what it was.
    ///
    /// - Throws: `ECARError` where it is not finite.
    public func clip(_ gradients: [Tensor]) throws -> Double {
        let limit = settings.clipNorm > 0 ? settings.clipNorm : .infinity
        let norm = try TorchNN.clip(gradients, norm: limit)
        try checkFinite(norm, "the norm of the gradients")
        return norm
    }

    /// Takes one step along clipped gradients, and returns the learning rate.
    public func update(_ gradients: [Tensor]) throws(TorchError) -> Double {
        let rate = settings.schedule.rate(at: step)
        let decay = ExponentialMovingAverage.decay(settings.emaDecay, after: step)
        try adamW.update(gradients: Self.pick(gradients, isMatrix, false), learningRate: rate)
        if let muon, let peak = settings.muon?.learningRate {
            try muon.update(
                gradients: Self.pick(gradients, isMatrix, true), learningRate: peak * rate / settings.schedule.peak)
        }
        try average.update(parameters.tensors, decay: decay)
        return rate
    }

    /// - Throws: `ECARError` where a loss or norm of the coming step is not finite; the weights are then as they were.
    public func checkFinite(_ value: Double, _ name: @autoclosure () -> String) throws(ECARError) {
        guard !value.isFinite else { return }
        throw ECARError(
            "training diverged in step \(step + 1): \(name()) is \(value); "
                + "lower the learning rate or the clip norm, or train in f32")
    }
}
