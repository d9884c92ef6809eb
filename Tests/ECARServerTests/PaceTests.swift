import ECAR
import ECARServer
import Testing
import TorchNN

/// What is learned of the machine's speed.
@Suite struct PaceTests {
    private let configuration = ModelConfiguration(
        channels: 1, sides: [4, 8], patches: [2, 2], classes: 2, width: 8, heads: 1, arDepth: 1, flowDepths: [1, 1])

    private func key(showsStages: Bool = false, _ precision: Precision = .f32) -> BatchKey {
        BatchKey(
            kind: .images, settings: SamplingSettings(steps: [3, 3], guidance: [1, 1]), precision: precision,
            showsStages: showsStages)
    }

    /// Steps of 1 and 2 seconds for 4 images, and 20 more for their pictures.
    private func learned(_ pace: inout Pace, batches: Int) {
        for _ in 0..<batches {
            for stage in 0..<2 {
                for step in 1...3 {
                    let hasPictures = stage == 1 && step == 3
                    pace.add(
                        seconds: (stage == 0 ? 1 : 2) + (hasPictures ? 20 : 0), stage: stage, key: key(), images: 4,
                        hasPictures: hasPictures)
                }
            }
        }
    }

    @Test(arguments: [1, 3]) func picturesAreNoSteps(batches: Int) {
        var pace = Pace(configuration)
        #expect(pace.seconds(key(), images: 4) == 0)
        learned(&pace, batches: batches)
        func expect(_ found: Double, _ seconds: Double) { #expect(abs(found - seconds) < 1e-9, "\(found)") }
        expect(pace.seconds(key(), images: 4), 29)
        expect(pace.seconds(key(), images: 8), 58)
        expect(pace.seconds(key(), images: 4, after: 1, of: 1), 24)
        expect(pace.seconds(key(), images: 4, after: 3, of: 1), 0)
        // Pictures of the first stage have not been seen yet.
        expect(pace.seconds(key(showsStages: true), images: 4), 29)
    }

    /// A stage of one step may bring pictures before anything else of it is known.
    @Test func stagesOfOneStep() {
        var pace = Pace(configuration)
        pace.add(seconds: 5, stage: 1, key: key(), images: 1, hasPictures: true)
        #expect(pace.seconds(key(), images: 1, after: 2, of: 1) == 5)
        #expect(pace.seconds(key(showsStages: false, .bf16), images: 1, after: 2, of: 1) == 5)
        // The first one was slow.
        for _ in 0..<50 { pace.add(seconds: 1, stage: 1, key: key(), images: 1, hasPictures: true) }
        #expect(abs(pace.seconds(key(), images: 1, after: 2, of: 1) - 1) < 1e-3)
    }
}
