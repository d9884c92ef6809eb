import ECARBenchmark
import Testing

@Suite struct ScalingTests {
    /// By hand, of width D = 1152 and 42 blocks: 42·(12·D²·N + D·N·(N + 1)) + 16·D·(2·N − 1) with a cache; without,
    /// 12·D² for each of N·(N + 1)/2 tokens and 2·D for each of N·(N + 1)·(2·N + 1)/6 pairs.
    @Test func tokenByTokenIsCounted() throws {
        let points = try Scaling("E-CAR-L").points(BenchmarkCase(model: "E-CAR-L"))
        func macs(_ series: String) -> [Double] { points.filter { $0.series == series }.map(\.macs) }
        #expect(points.map(\.tokens) == Array(repeating: [256, 1024, 4096], count: 4).flatMap { $0 })
        #expect(macs("AR-L, token by token") == [174_420_965_376, 735_734_642_688, 3_551_750_240_256])
        #expect(
            macs("AR-L without a cache (counted)") == [22_547_779_485_696, 385_712_986_521_600, 7_829_759_575_719_936])
        #expect(points.allSatisfy { $0.seconds.value == nil })
    }

    /// The cost of the preset is that of its configuration, of DiT-XL/2 that of its paper: 118.6 GMACs an evaluation.
    @Test func theOthersAreCountedAsEver() throws {
        let points = try Scaling("E-CAR-L").points(BenchmarkCase(model: "E-CAR-L", steps: 10))
        let subject = try #require(try BenchmarkCatalogue.subject("E-CAR-L"))
        #expect(points[0].macs == (try subject.cost(.init(model: "E-CAR-L", steps: 10)).macs))
        let dit = try #require(points.first { $0.series == "DiT-XL/2 (counted)" })
        #expect(abs(dit.macs / 10 / 118.6e9 - 1) < 0.01)
    }

    @Test func measuredSecondsFindTheirPlace() throws {
        let what = BenchmarkCase(model: "tiny@512", batch: 4)
        let cost = try #require(try BenchmarkCatalogue.subject("tiny@512")).cost(what)
        let result = try #require(
            BenchmarkReport.Result(
                what, cost, runs: [BenchmarkRun(seconds: 6, stages: [])], memory: nil, loadSeconds: 0, peak: .init()))
        let points = try Scaling("tiny").points(BenchmarkCase(model: "tiny"), results: [result])
        #expect(points.filter { $0.seconds.value != nil }.map(\.pixels) == [512])
        #expect(points[1].seconds.value == 1.5, "of one image")
    }

    @Test func someModelsCannotBeScaled() throws {
        #expect(try Scaling("E-CAR-S").measuredNames.count == 6)
        for name in ["DiT-XL/2", "E-CAR-S-ablation", "nothing"] {
            #expect(throws: BenchmarkError.self) { try Scaling(name) }
        }
    }
}
