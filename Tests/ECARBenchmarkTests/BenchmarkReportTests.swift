import ECARBenchmark
import Foundation
import Testing
import Torch
import TorchNN

@Suite struct BenchmarkReportTests {
    private static let cost = BenchmarkCost(
        parameters: 5_000_000, steps: 6,
        stages: [.init(side: 8, tokens: 16, macs: 1e9), .init(side: 16, tokens: 64, macs: 3e9)])

    private func report(_ times: [(BenchmarkCase, [Double])]) throws -> BenchmarkReport {
        var machine = Machine.current(device: .cpu)
        machine.peak = MachinePeak(threads: 1, seconds: 0.02)
        let results = try times.map { what, seconds in
            let runs = seconds.map { BenchmarkRun(seconds: $0, stages: [$0 / 4, $0 * 3 / 4]) }
            return try #require(
                BenchmarkReport.Result(
                    what, Self.cost, runs: runs, memory: 123_456_789, loadMemory: 456_000_000,
                    loadSeconds: 0.5, peak: machine.peak))
        }
        return BenchmarkReport(
            machine: machine, command: "ecar benchmark", version: "test", rounds: 3, results: results)
    }

    private let slow = (BenchmarkCase(model: "slow"), [8.0, 4, 5])
    private let fast = (BenchmarkCase(model: "fast", precision: .bf16, batch: 4, isGuided: true), [1.0, 2, 1])

    @Test func figuresFollowFromTheTimes() throws {
        let report = try report([slow, fast])
        let (first, second) = (report.results[0], report.results[1])
        #expect(first.seconds == 5 && first.secondsAll == [8, 4, 5] && first.imagesPerSecond == 0.2)
        #expect(first.macs == 4e9 && first.gflops == 1.6)  // 2 × 4 G / 5 s
        #expect(second.seconds == 1 && second.imagesPerSecond == 4 && second.gflops == 32)  // 2 × 4 G × 4 / 1 s
        let peak = try #require(report.machine.peak[.f32])
        #expect(first.peakShare.value == 1.6 / peak)
        #expect(first.stages.map(\.seconds) == [1.25, 3.75] && first.stages.map(\.tokens) == [16, 64])
    }

    @Test func jsonHasTheNamesThatAreDocumented() throws {
        let report = try report([slow, fast])
        let data = try report.encoded()
        let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let machine = try #require(json["machine"] as? [String: Any])
        let peak = try #require(machine["peak"] as? [String: Any])
        #expect(Set(peak.keys).isSuperset(of: ["f32", "bf16", "int8"]))
        #expect(machine["memory_bytes"] as? Int != nil && machine["libtorch"] as? String != nil)
        let results = try #require(json["results"] as? [[String: Any]])
        #expect(results.count == 2)
        let names: Set = [
            "model", "precision", "batch", "steps", "guided", "seconds", "seconds_all", "macs", "gflops", "peak_share",
            "peak_memory_bytes", "load_memory_bytes", "images_per_second", "parameters", "stages", "load_seconds",
        ]
        #expect(Set(results[0].keys) == names)
        let stages = try #require(results[0]["stages"] as? [[String: Any]])
        #expect(Set(stages[0].keys) == ["side", "tokens", "seconds", "macs"])
        #expect(try BenchmarkReport.decoded(data) == report)
    }

    @Test func aTypeWithoutPeakHasNoShare() throws {
        let runs = [BenchmarkRun(seconds: 1, stages: [])]
        let result = try #require(
            BenchmarkReport.Result(
                slow.0, Self.cost, runs: runs, memory: nil, loadSeconds: 0, peak: MachinePeak()))
        #expect(result.peakShare.value == nil && result.peakMemoryBytes.value == nil)
        #expect(result.loadMemoryBytes.value == nil)
        let json = String(decoding: try JSONEncoder().encode(result), as: UTF8.self)
        #expect(json.contains("\"peakShare\":null"))
        #expect(BenchmarkReport.Result(slow.0, Self.cost, runs: [], memory: nil, loadSeconds: 0, peak: .init()) == nil)
    }

    @Test func theTableIsMarkdown() throws {
        let lines = try report([slow, fast]).table.text.split(separator: "\n").map(String.init)
        #expect(lines.count == 4)
        #expect(Set(lines.map(\.count)).count == 1, "all lines are equally long")
        #expect(lines[1].allSatisfy { "|-: ".contains($0) })
        for text in ["slow", "f32", "5.00 M", "4.00 G", "5.00", "4.00–8.00", "0.200", "0.123 GB", "0.456 GB", "1.00 ×"]
        {
            #expect(lines[2].contains(" \(text) "), "\(text) in \(lines[2])")
        }
        #expect(lines[3].contains(" 20.0 × "), "relative to the slowest: \(lines[3])")
    }

    @Test func everyStageHasItsSeconds() throws {
        let remarks = try report([slow, fast]).remarks
        #expect(remarks.prefix(2) == ["slow f32: stages 1.25, 3.75 s.", "fast bf16 ×4: stages 0.250, 0.750 s."])
    }

    @Test func filesAppearInTheFolder() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ecar-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try report([slow, fast]).write(to: folder)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(try names == report([slow, fast]).files)
        let page = try String(contentsOf: folder.appendingPathComponent("benchmark.md"), encoding: .utf8)
        #expect(page.contains("Medians of 3 rounds") && page.contains("ecar benchmark"))
    }
}
