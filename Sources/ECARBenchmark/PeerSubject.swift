import ECARBaselines
import Foundation
import Torch
import TorchNN

/// A peer of E-CAR with random weights: its cost from its configuration, one stage, and a loop of steps.
struct PeerSubject: BenchmarkSubject {
    /// A sampling on its way: each call takes one more step; nil at the end.
    typealias Steps = () throws -> Tensor?

    let side: Int
    let tokens: Int
    let parameters: Int
    /// Where the case does not say; nil where the kind has no steps to choose.
    let usualSteps: Int
    let takesSteps: Bool
    let macs: @Sendable (_ steps: Int, _ guided: Bool) -> Double
    /// Builds the model, and returns what begins a sampling and says how many steps that takes.
    let build:
        @Sendable (_ what: BenchmarkCase, _ steps: Int, _ parameters: Parameters) throws -> () throws -> (Int, Steps)

    private func steps(_ what: BenchmarkCase) -> Int { takesSteps ? what.steps ?? usualSteps : usualSteps }

    func cost(_ what: BenchmarkCase) throws -> BenchmarkCost {
        let steps = steps(what)
        return BenchmarkCost(
            parameters: parameters, steps: steps,
            stages: [.init(side: side, tokens: tokens, macs: macs(steps, what.isGuided))])
    }

    func prepare(_ what: BenchmarkCase, device: Device) throws -> any BenchmarkSampler {
        let begin = try Runtime.inference {
            let source = Parameters.Source.random(try Generator(seed: Generator.seed(what.seed)))
            return try build(what, steps(what), Parameters(source, device: device, remembers: false))
        }
        return PeerSampler(what: what, begin: begin)
    }
}

private struct PeerSampler: BenchmarkSampler {
    /// Steps before the time is taken.
    private static let warmUpSteps = 2

    let what: BenchmarkCase
    let begin: () throws -> (Int, PeerSubject.Steps)

    func warmUp() throws {
        let (_, next) = try begin()
        for _ in 0..<Self.warmUpSteps { _ = try next() }
    }

    func sample(didStep: (Double) throws -> Void) throws -> [Double] {
        let clock = ContinuousClock()
        let start = clock.now
        let (total, next) = try begin()
        var (done, last) = (0, Tensor?.none)
        while let latents = try next() {
            (done, last) = (done + 1, latents)
            try didStep(Double(done) / Double(total))
        }
        if let last { try BenchmarkError.check(last, of: what) }
        return [(clock.now - start) / .seconds(1)]
    }
}

extension PeerSubject {
    private static let guidance = 1.5

    static func dit(_ c: DiTConfiguration) -> PeerSubject {
        PeerSubject(
            side: c.side, tokens: c.tokens, parameters: c.parameters, usualSteps: 250, takesSteps: true,
            macs: { c.macs(steps: $0, guided: $1) },
            build: { what, steps, parameters in
                let model = try DiT(c, parameters, precision: what.precision)
                return {
                    var sampling = try model.sampling(
                        labels: what.labels(of: c.classes), steps: steps, guidance: what.isGuided ? guidance : 1,
                        seed: what.seed)
                    return (sampling.totalSteps, { try sampling.next() })
                }
            })
    }

    /// The steps are the diffusion steps of a token; the iterations are the paper's 64.
    static func mar(_ c: MARConfiguration) -> PeerSubject {
        PeerSubject(
            side: c.side, tokens: c.tokens, parameters: c.parameters, usualSteps: 100, takesSteps: true,
            macs: { c.macs(steps: $0, guided: $1) },
            build: { what, steps, parameters in
                let model = try MAR(c, parameters, precision: what.precision)
                return {
                    var sampling = try model.sampling(
                        labels: what.labels(of: c.classes), steps: steps, guidance: what.isGuided ? guidance : 1,
                        seed: what.seed)
                    return (sampling.totalSteps, { try sampling.next() })
                }
            })
    }

    /// - Parameter side: Of the latents.
    static func tokenAR(_ c: TokenARConfiguration, side: Int) -> PeerSubject {
        PeerSubject(
            side: side, tokens: c.tokens, parameters: c.parameters, usualSteps: c.tokens, takesSteps: false,
            macs: { c.macs(guided: $1) },
            build: { what, _, parameters in
                let model = try TokenAR(c, parameters, precision: what.precision)
                return {
                    let sampling = try model.sampling(
                        labels: what.labels(of: c.classes), guidance: what.isGuided ? guidance : 1, seed: what.seed)
                    return (sampling.totalSteps, { try sampling.next() })
                }
            })
    }
}
