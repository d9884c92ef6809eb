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
        // A third of 10, rounded down, at each of 3 stages.
        #expect(points[0].macs == (try subject.cost(.init(model: "E-CAR-L", steps: 9)).macs))
        let dit = try #require(points.first { $0.series == "DiT-XL/2 (counted)" })
        #expect(abs(dit.macs / 10 / 118.6e9 - 1) < 0.01)
    }

    /// More stages, not fewer steps of each.
    @Test(arguments: [(nil, [249, 332, 415]), (250, [249, 332, 415]), (7, [6, 8, 10])] as [(Int?, [Int])])
    func everyStageKeepsItsSteps(_ steps: Int?, _ expected: [Int]) throws {
        let scaling = try Scaling("E-CAR-L")
        let cases = scaling.cases(BenchmarkCase(model: "E-CAR-L", steps: steps))
        #expect(cases.prefix(3).map(\.steps) == expected)
        #expect(cases.map(\.model).suffix(3) == ["AR-L@256", "AR-L@512", "AR-L@1024"])
        for what in cases.prefix(3) {
            #expect(try BenchmarkCatalogue.subject(what.model)?.cost(what).steps == what.steps)
        }
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
        #expect(try Scaling("E-CAR-S").cases(.init(model: "E-CAR-S")).count == 6)
        for name in ["DiT-XL/2", "E-CAR-S-ablation", "nothing"] {
            #expect(throws: BenchmarkError.self) { try Scaling(name) }
        }
    }
}
