import Torch
import TorchNN

/// A residual block of the diffusion MLP: modulated LayerNorm, two linear layers with SiLU between them, gate.
private struct ResidualBlock {
    let modulation: PackedLinear  // W → 3W
    let `in`: PackedLinear  // W → W
    let out: PackedLinear  // W → W

    init(_ parameters: Parameters, width: Int, precision: Precision) throws(TorchError) {
        let norm = try LayerNorm(parameters.scope("norm"), width)
        let plain = try Linear(
            parameters.scope("modulation"), width, 3 * width, initialization: DiT.smallNumbers)
        modulation = try PackedLinear(
            Self.folding(norm, into: plain, width), precision: precision.ofSensitiveLayers)
        `in` = try PackedLinear(Linear(parameters.scope("in"), width, width), precision: precision)
        out = try PackedLinear(Linear(parameters.scope("out"), width, width), precision: precision)
    }

    /// The norm's own scale w and shift b, made part of the layer that gives shift, scale and gate: (n·w + b)(1 + scale) + shift
    /// is n·(1 + scale') + shift' with scale' = w·(scale + 1) − 1 and shift' = shift + b·(scale + 1), both linear.
    private static func folding(_ norm: LayerNorm, into layer: Linear, _ width: Int) throws(TorchError) -> Linear {
        let weights = try layer.weight.split(0, lengths: [width, width, width])  // (W, W) each
        let biases = try layer.bias.split(0, lengths: [width, width, width])  // (W) each
        let (w, b) = (try norm.weight.unsqueeze(1), try norm.bias.unsqueeze(1))
        let scaleBias = try biases[1] + 1
        let folded: [String: Tensor] = [
            "weight": try .cat([weights[0] + b * weights[1], w * weights[1], weights[2]], 0),
            "bias": try .cat([biases[0] + norm.bias * scaleBias, norm.weight * scaleBias - 1, biases[2]], 0),
        ]
        return try Linear(Parameters(.weights(folded), device: layer.weight.device), width, 3 * width)
    }

    /// The tokens are x (1, R, W).
    func callAsFunction(_ x: inout ResidualStream, _ m: SplitModulation, as type: DType) throws(TorchError) {
        let h = try `in`(x.norm(m, as: type)).silu()  // (1, R, W)
        try x.add(out(h), m)
    }
}

/// MAR's diffusion head (arXiv 2406.11838, §3): draws tokens, each by a diffusion of its own, given what the decoder says.
///
/// R tokens with or without their class, W width, C channels, T times.
struct MARHead {
    /// The most rows of a modulation that are made at once, so that memory does not grow with the steps.
    private static let modulationRows = 512

    private let time: TimestepEmbedding
    private let condition: PackedLinear  // D → W
    private let embed: PackedLinear  // C → W
    private let blocks: [ResidualBlock]
    private let finalModulation: PackedLinear  // W → 2W
    private let final: PackedLinear  // W → 2C
    private let width: Int
    private let type: DType
    private let device: Device

    init(_ c: MARConfiguration, _ parameters: Parameters, precision: Precision) throws(TorchError) {
        let width = c.head.width
        (self.width, type, device) = (width, precision.matrixType, parameters.device)
        time = try TimestepEmbedding(parameters.scope("time"), width)
        condition = try PackedLinear(
            Linear(parameters.scope("condition"), c.width, width), precision: precision.ofSensitiveLayers)
        embed = try PackedLinear(Linear(parameters.scope("embed"), c.channels, width), precision: .f32)
        blocks = try (0..<c.head.depth).map { (layer) throws(TorchError) in
            try ResidualBlock(parameters.scope("blocks").scope(layer), width: width, precision: precision)
        }
        let final = parameters.scope("final")
        finalModulation = try PackedLinear(
            Linear(final.scope("modulation"), width, 2 * width, initialization: DiT.smallNumbers),
            precision: precision.ofSensitiveLayers)
        self.final = try PackedLinear(
            Linear(final.scope("linear"), width, 2 * c.channels, initialization: DiT.smallNumbers), precision: .f32)
    }

    /// The embeddings of training steps (T, 1, W): once a sampling.
    func times(_ steps: [Int]) throws(TorchError) -> Tensor {
        // Exact: the embedding multiplies by the 1000 that this divides by.
        let fractions = try Tensor(bytes: steps.map { Double($0) / 1000 }, shape: [steps.count], dtype: .float64)
        return try time(fractions.to(device.preciseType, device)).unsqueeze(1)  // (T, 1, W)
    }

    /// Draws tokens.
    ///
    /// - Parameters:
    ///   - conditions: (R, D); of twice as many rows as there are tokens where guidance is in use, the classes' first.
    ///   - times: Of the schedule's steps.
    ///   - guidance: nil: none.
    ///   - noise: Of a step (R or R/2, C): where the tokens start from, then what each step adds.
    func draw(
        _ conditions: Tensor, times: Tensor, schedule: DiffusionSchedule, guidance: Double?,
        noise: (Int) throws(TorchError) -> Tensor
    ) throws(TorchError) -> Tensor {
        let (rows, steps) = (conditions.shape[0], schedule.steps.count)
        let condition = try self.condition(conditions).to(.float32)  // (R, W)
        var x = try noise(0)
        let length = max(1, Self.modulationRows / rows)
        for start in stride(from: 0, to: steps, by: length) {
            let window = start..<min(start + length, steps)
            let modulation = try modulation(
                times: times.narrow(0, start: start, length: window.count), condition: condition)
            for step in window {
                let parts = try split(
                    predict(x, modulation, step - start), tokens: x.shape[0], guidance: guidance)  // (R, C)
                let added = step < steps - 1 ? try noise(step + 1) : nil
                x = try schedule.advance(
                    x, step: step, prediction: parts.noise, variance: parts.variance, noise: added)
            }
        }
        return x
    }

    /// The noise and where its variance lies between its bounds (R, 2C), predicted for tokens (R, C) at one training step
    /// under conditions (R, D).
    func predict(_ x: Tensor, at step: Int, conditions: Tensor) throws(TorchError) -> Tensor {
        let condition = try self.condition(conditions).to(.float32)  // (R, W)
        return try predict(x, modulation(times: times([step]), condition: condition), 0)
    }

    /// All that depends on times (T, 1, W) and condition (R, W) alone, in one product a layer: (T, R, k·W) of every block and of
    /// the final layer.
    private func modulation(times: Tensor, condition: Tensor) throws(TorchError) -> [Tensor] {
        let y = try (times + condition).silu()  // (T, R, W)
        return try blocks.map { (block) throws(TorchError) in try block.modulation(y) } + [finalModulation(y)]
    }

    /// The prediction (R, 2C) under the modulation at its `index`-th time, for R tokens or for the same R/2 twice.
    private func predict(_ x: Tensor, _ modulation: [Tensor], _ index: Int) throws(TorchError) -> Tensor {
        let m = try modulation.map { (m) throws(TorchError) in
            SplitModulation(spatial: try m.narrow(0, start: index, length: 1))  // (1, R, k·W)
        }
        let rows = m[0].spatial.shape[1]
        let embedded = try embed(x)  // (R or R/2, W)
        var h = ResidualStream(
            try (rows > x.shape[0] ? .cat([embedded, embedded], 0) : embedded).reshape([1, rows, width]))
        for (block, m) in zip(blocks, m) { try block(&h, m, as: type) }  // (1, R, W)
        return try final(h.norm(m[blocks.count], as: .float32)).reshape([rows, -1])
    }

    /// The guided noise and the variance (R, C) each, of a prediction (R or 2R, 2C).
    private func split(_ prediction: Tensor, tokens: Int, guidance: Double?) throws(TorchError) -> (
        noise: Tensor, variance: Tensor
    ) {
        let channels = prediction.shape[1] / 2
        let parts = try prediction.narrow(0, start: 0, length: tokens).split(1, lengths: [channels, channels])
        guard let guidance else { return (parts[0], parts[1]) }
        let null = try prediction.narrow(0, start: tokens, length: tokens).narrow(1, start: 0, length: channels)
        return (try null + (parts[0] - null) * guidance, parts[1])
    }
}
