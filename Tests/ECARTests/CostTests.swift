import ECAR
import Testing
import Torch
import TorchNN

@Suite struct CostTests {
    /// Parameters as the paper's Table 1 within 1 %, and multiply-accumulates as its table of costs within 2 %.
    @Test(arguments: [
        (ModelConfiguration.small, 156.1e6, 0.89e12), (.base, 515.9e6, 3.13e12), (.large, 859.6e6, 5.85e12),
    ])
    func presets(_ configuration: ModelConfiguration, parameters: Double, macs: Double) throws {
        let cost = Cost(configuration, sampling: .paper(stages: 3))
        #expect(abs(Double(cost.parameters) / parameters - 1) < 0.01, "\(cost.parameters) parameters")
        #expect(abs(cost.macs / macs - 1) < 0.02, "\(cost.macs) MACs")
    }

    @Test(arguments: [
        ModelConfiguration.tiny, ModelConfiguration.tiny.withoutAutoregression(),
        ModelConfiguration(
            channels: 2, sides: [4, 8], patches: [1, 2], classes: 3, width: 16, heads: 2, arDepth: 1,
            flowDepths: [2, 0]),
        ModelConfiguration(
            channels: 2, sides: [4, 8], patches: [1, 2], overlap: 2, classes: 3, width: 16, heads: 2, arDepth: 1,
            flowDepths: [1, 1]),
    ])
    func parametersAreThoseOfTheModel(_ configuration: ModelConfiguration) throws {
        let model = try ECARModel(configuration, Parameters(.fresh(Generator(seed: 0))))
        let settings = SamplingSettings.paper(stages: configuration.stages)
        #expect(
            Cost(configuration, sampling: settings).parameters == model.parameters.tensors.reduce(0) { $0 + $1.count })
    }

    @Test func stepsAreSplitWithTheRemainderLast() {
        #expect(SamplingSettings.split(steps: 250, stages: 3) == [83, 83, 84])
    }

    /// By hand, of the second stage: D = 16, N = 16 tokens of 8 numbers, and no block, so that nothing but 8·16·N at either end
    /// and the temporal part, (256 + 16)·16 + 2·16², depends on the steps. Guidance shares the end where patches come in.
    @Test func stepsCostWhatTheyDo() {
        let configuration = ModelConfiguration(
            channels: 2, sides: [4, 8], patches: [1, 2], classes: 3, width: 16, heads: 2, arDepth: 1,
            flowDepths: [2, 0])
        func macs(_ steps: Int, _ solver: Solver, guidance: Double) -> Double {
            let settings = SamplingSettings(
                steps: [steps, steps], guidance: [guidance, guidance], solver: solver)
            return Cost(configuration, sampling: settings).stages[1].macs
        }
        let (temporal, end) = (4864.0, 2048.0)
        #expect(macs(4, .euler, guidance: 1) - macs(3, .euler, guidance: 1) == temporal + 2 * end)
        #expect(macs(4, .euler, guidance: 2) - macs(3, .euler, guidance: 2) == temporal + 3 * end)
        // Two more evaluations in 3 steps, at the times of the next.
        #expect(macs(3, .heun, guidance: 2) - macs(3, .euler, guidance: 2) == 2 * 3 * end)
    }

    @Test func guidanceDoublesTheWork() {
        let guided = Cost(.small, sampling: .paper(stages: 3, guidance: 2))
        let plain = Cost(.small, sampling: .paper(stages: 3, guidance: 1))
        #expect(guided.macs / plain.macs > 1.95 && guided.macs / plain.macs < 2)
    }
}
