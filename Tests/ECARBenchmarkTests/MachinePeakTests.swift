import ECARBenchmark
import Foundation
import Testing

@Suite struct MachinePeakTests {
    /// The instructions for narrower types do at least as much at a time.
    @Test func narrowerTypesAreNoSlower() throws {
        let peak = MachinePeak(threads: 1, seconds: 0.1)
        let f32 = try #require(peak[.f32])
        // A loop that the compiler had left out would be absurdly fast; a processor that does 1 GFLOP/s is none of ours.
        #expect(f32 > 1 && f32 < 2000)
        // Loosely: other tests run at the same time.
        if let bf16 = peak[.bf16] { #expect(bf16 > 0.5 * f32 && bf16 < 40 * f32) }
        if let int8 = peak.int8.value { #expect(int8 > 0.5 * f32 && int8 < 80 * f32) }
        #expect(peak.instructions["f32"]?.contains("bits") == true)
        #expect((peak.instructions["bf16"] == nil) == (peak[.bf16] == nil))
    }

    @Test func theHigherOfTwoStays() throws {
        let measured = MachinePeak(threads: 1, seconds: 0.02)
        var peak = MachinePeak()
        #expect(peak[.f32] == nil)
        peak.formMaximum(measured)
        #expect(peak == measured)
        peak.formMaximum(MachinePeak())
        #expect(peak == measured)
    }

    @Test func theInstructionIsThatOfTheLargerValue() throws {
        func peak(_ f32: Double, _ instruction: String) throws -> MachinePeak {
            let json = "{\"f32\":\(f32),\"bf16\":null,\"int8\":null,\"instructions\":{\"f32\":\"\(instruction)\"}}"
            return try JSONDecoder().decode(MachinePeak.self, from: Data(json.utf8))
        }
        var found = try peak(3, "narrow")
        found.formMaximum(try peak(2, "slow"))
        #expect(try found == peak(3, "narrow"))
        found.formMaximum(try peak(4, "wide"))
        #expect(try found == peak(4, "wide"))
    }

    @Test func memoryCanBeginAnew() throws {
        // More than everything else that happens meanwhile.
        let big = [UInt8](repeating: 1, count: 300_000_000)
        let before = try #require(ProcessMemory.peak)
        #expect(big.reduce(0) { $0 &+ Int($1) } == big.count)
        _ = consume big
        if ProcessMemory.startPeakAnew() {
            #expect(try #require(ProcessMemory.peak) < before - 100_000_000)
        } else {
            #expect(try #require(ProcessMemory.peak) >= before)
        }
    }

    @Test func whatIsNotThereIsNull() throws {
        let json = String(decoding: try JSONEncoder().encode(MachinePeak()), as: UTF8.self)
        #expect(json.contains("\"bf16\":null") && json.contains("\"f32\":null") && json.contains("\"int8\":null"))
        #expect(try JSONDecoder().decode(MachinePeak.self, from: Data(json.utf8)) == MachinePeak())
    }
}
