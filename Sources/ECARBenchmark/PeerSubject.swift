import ECARBaselines
import Foundation
import Torch
import TorchNN

/// A peer of E-CAR with random weights: its cost from its configuration, one stage, and a loop of steps.
struct PeerSubject: BenchmarkSubject {
    /// A sampling on its way: each call of `next` takes one more step; nil at the end.
    struct Sampling {
        let total: Int
        let next: () throws -> Tensor?
    }

    /// What is done before the time is taken: some steps of a sampling in so many steps.
    struct Rehearsal: Equatable {
        let steps: Int
        let taken: Int
    }

    let side: Int
    let tokens: Int
    let parameters: Int
    /// Where the case does not say.
    let usualSteps: Int
    /// How the noise of the steps is spread; nil where the kind has no steps to choose.
    let schedule: DiffusionSchedule.Noise?
    let macs: @Sendable (_ steps: Int, _ guided: Bool) -> Double
    /// Of memory, for an image that is being made, about.
    let workingBytes: @Sendable (_ what: BenchmarkCase) -> Double
    /// A step of every kind.
    let rehearsals: @Sendable (_ what: BenchmarkCase, _ steps: Int) -> [Rehearsal]
    /// Builds the model, and returns what begins a sampling in so many steps.
    let build: @Sendable (_ what: BenchmarkCase, _ parameters: Parameters) throws -> (_ steps: Int) throws -> Sampling

    private func steps(_ what: BenchmarkCase) -> Int { schedule == nil ? usualSteps : what.steps ?? usualSteps }

    func cost(_ what: BenchmarkCase) throws -> BenchmarkCost {
        let steps = steps(what)
        do {
            if let schedule { _ = try DiffusionSchedule(schedule, steps: steps) }
        } catch {
            throw BenchmarkError("\(what.model): \(error)")
        }
        return BenchmarkCost(
            parameters: parameters, steps: steps,
            stages: [.init(side: side, tokens: tokens, macs: macs(steps, what.isGuided))],
            workingBytes: workingBytes(what))
    }

    func prepare(_ what: BenchmarkCase, device: Device) throws -> any BenchmarkSampler {
        let begin = try Runtime.inference {
            let source = Parameters.Source.random(try Generator(seed: Generator.seed(what.seed)))
            return try build(what, Parameters(source, device: device, remembers: false))
        }
        let steps = steps(what)
        return PeerSampler(what: what, steps: steps, rehearsals: rehearsals(what, steps), begin: begin)
    }
}

private struct PeerSampler: BenchmarkSampler {
    let what: BenchmarkCase
    let steps: Int
    let rehearsals: [PeerSubject.Rehearsal]
    let begin: (_ steps: Int) throws -> PeerSubject.Sampling

    func warmUp() throws {
        for rehearsal in rehearsals {
            let sampling = try begin(rehearsal.steps)
            for _ in 0..<min(rehearsal.taken, sampling.total) { _ = try sampling.next() }
        }
    }

    func sample(didStep: (Double) throws -> Void) throws -> [Double] {
        let clock = ContinuousClock()
        let start = clock.now
        let sampling = try begin(steps)
        var (done, last) = (0, Tensor?.none)
        while let latents = try sampling.next() {
            (done, last) = (done + 1, latents)
            try didStep(Double(done) / Double(sampling.total))
        }
        if let last { try BenchmarkError.check(last, of: what) }
        return [(clock.now - start) / .seconds(1)]
    }
}

// MARK: - The peers

extension PeerSubject {
    private static let guidance = 1.5

    static func dit(_ c: DiTConfiguration) -> PeerSubject {
        PeerSubject(
            side: c.side, tokens: c.tokens, parameters: c.parameters, usualSteps: 250, schedule: .linear,
            macs: { c.macs(steps: $0, guided: $1) },
            workingBytes: { $0.rows * $0.blockBytes(tokens: c.tokens, width: c.width, heads: c.heads) },
            rehearsals: { what, steps in
                // The last product of modulations may be a shorter one.
                let window = DiTSampling.window(conditions: Int(what.rows) * what.batch)
                return [steps, steps % window].filter { $0 > 0 }.map { Rehearsal(steps: $0, taken: 1) }
            },
            build: { what, parameters in
                let model = try DiT(c, parameters, precision: what.precision)
                return { steps in
                    var sampling = try model.sampling(
                        labels: what.labels(of: c.classes), steps: steps, guidance: what.isGuided ? guidance : 1,
                        seed: what.seed)
                    return Sampling(total: sampling.totalSteps) { try sampling.next() }
                }
            })
    }

    /// The steps are the diffusion steps of a token; the iterations are the paper's 64.
    static func mar(_ c: MARConfiguration) -> PeerSubject {
        PeerSubject(
            side: c.side, tokens: c.tokens, parameters: c.parameters, usualSteps: 100, schedule: .cosine,
            macs: { c.macs(steps: $0, guided: $1) },
            workingBytes: { $0.rows * $0.blockBytes(tokens: c.buffer + c.tokens, width: c.width, heads: c.heads) },
            // The shapes of no two iterations are the same.
            rehearsals: { [Rehearsal(steps: $1, taken: c.tokens)] },
            build: { what, parameters in
                let model = try MAR(c, parameters, precision: what.precision)
                return { steps in
                    var sampling = try model.sampling(
                        labels: what.labels(of: c.classes), steps: steps, guidance: what.isGuided ? guidance : 1,
                        seed: what.seed)
                    return Sampling(total: sampling.totalSteps) { try sampling.next() }
                }
            })
    }

    /// - Parameter side: Of the latents.
    static func tokenAR(_ c: TokenARConfiguration, side: Int) -> PeerSubject {
        PeerSubject(
            side: side, tokens: c.tokens, parameters: c.parameters, usualSteps: c.tokens, schedule: nil,
            macs: { c.macs(guided: $1) },
            workingBytes: { $0.rows * Double(c.tokens * 2 * c.depth * c.width) * $0.matrixBytes },
            // One begins with the class, all others with a token.
            rehearsals: { [Rehearsal(steps: $1, taken: 2)] },
            build: { what, parameters in
                let model = try TokenAR(c, parameters, precision: what.precision)
                return { _ in
                    let sampling = try model.sampling(
                        labels: what.labels(of: c.classes), guidance: what.isGuided ? guidance : 1, seed: what.seed)
                    return Sampling(total: sampling.totalSteps) { try sampling.next() }
                }
            })
    }
}
