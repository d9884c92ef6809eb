import ECAR
import Foundation
import Testing

/// How a stage's steps are spread over its time, and how settings are kept.
@Suite struct SamplingSettingsTests {
    private func settings(_ timeShift: Double) -> SamplingSettings {
        SamplingSettings(steps: [4, 4], guidance: [1, 1], timeShift: timeShift)
    }

    @Test(arguments: [0.25, 0.5, 1, 2, 8])
    func timesRiseFromZeroToOne(timeShift: Double) {
        let times = (0...10).map { settings(timeShift).time($0, of: 10) }
        #expect(times.first == 0 && times.last == 1)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
        // Shorter steps near the noise above 1, near the image below.
        let (first, last) = (times[1], 1 - times[9])
        #expect(timeShift == 1 ? abs(first - last) < 1e-12 : (first < last) == (timeShift > 1))
    }

    /// σ' = sσ/(1 + (s − 1)σ) of the noise σ = 1 − k/n that is left; arXiv 2403.03206, Eq. 23.
    @Test func theShiftIsThatOfItsSource() {
        for (k, s) in [(1, 3.0), (2, 0.4), (3, 1.0)] {
            let noise = 1 - Double(k) / 4
            #expect(abs(settings(s).time(k, of: 4) - (1 - s * noise / (1 + (s - 1) * noise))) < 1e-15)
        }
    }

    @Test func olderSettingsArePlain() throws {
        let old = Data(#"{"steps":[2,3],"guidance":[1,2],"solver":"heun"}"#.utf8)
        let read = try StrictJSON.decode(SamplingSettings.self, from: old, name: "old")
        #expect(read == SamplingSettings(steps: [2, 3], guidance: [1, 2], solver: .heun))
        var new = settings(2.5)
        new.parallelGuidance = 0.25
        #expect(try StrictJSON.decode(SamplingSettings.self, from: StrictJSON.encode(new), name: "new") == new)
    }

    @Test(arguments: [0, -1, .nan, .infinity, 1000])
    func aShiftThatCannotBeIsAnError(timeShift: Double) {
        #expect(throws: ECARError.self) { try settings(timeShift).validate(stages: 2) }
    }

    @Test(arguments: [-0.1, 1.1, .nan])
    func aParallelGuidanceThatCannotBeIsAnError(parallelGuidance: Double) {
        var settings = settings(1)
        settings.parallelGuidance = parallelGuidance
        #expect(throws: ECARError.self) { try settings.validate(stages: 2) }
    }
}
