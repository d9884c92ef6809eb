import ECAR
import ECARBenchmark
import Testing
import TorchNN

@Suite struct BenchmarkCatalogueTests {
    @Test(arguments: BenchmarkCatalogue.names) func everyNameHasACost(_ name: String) throws {
        let subject = try #require(try BenchmarkCatalogue.subject(name))
        let (plain, guided) = (BenchmarkCase(model: name), BenchmarkCase(model: name, isGuided: true))
        let cost = try subject.cost(plain)
        #expect(cost.parameters > 0 && cost.macs > 0 && cost.steps > 0 && !cost.stages.isEmpty)
        let ratio = try subject.cost(guided).macs / cost.macs
        #expect(ratio > 1.5 && ratio <= 2)
    }

    @Test func largerPicturesTakeMoreStages() throws {
        let large = try #require(ModelConfiguration.large.scaled(toSide: 128))
        #expect(large.sides == [8, 16, 32, 64, 128] && large.tokenCounts == [16, 64, 256, 1024, 4096])
        #expect(large.flowDepths == [6, 6, 6, 6, 6] && large.signal == [0, 0.2, 0.4, 0.6, 0.8])
        #expect(ModelConfiguration.large.scaled(toSide: 32) == .large)
        #expect(ModelConfiguration.large.scaled(toSide: 48) == nil)
        let cost = try #require(try BenchmarkCatalogue.subject("E-CAR-L@512")).cost(.init(model: "E-CAR-L@512"))
        #expect(cost.stages.map(\.side) == [8, 16, 32, 64] && cost.steps == 250)
    }

    @Test func unknownNamesAreNone() throws {
        for name in ["", "E-CAR", "E-CAR-L@512@512", "default"] { #expect(try BenchmarkCatalogue.subject(name) == nil) }
        for name in ["E-CAR-L@", "E-CAR-L@500", "E-CAR-L@-1"] {
            #expect(throws: BenchmarkError.self) { try BenchmarkCatalogue.subject(name) }
        }
    }

    /// Before any model is built, not after.
    @Test(arguments: ["DiT-B/2", "MAR-B"]) func theDiffusionHasAThousandSteps(_ name: String) throws {
        let subject = try #require(try BenchmarkCatalogue.subject(name))
        #expect(try subject.cost(.init(model: name, steps: 1000)).steps == 1000)
        #expect(throws: BenchmarkError.self) { try subject.cost(.init(model: name, steps: 1001)) }
    }

    /// Keys and values and modulations of E-CAR-L at 256 pixels in bf16, by hand, and no more than half as much again.
    @Test func memoryGrowsWithTheBatch() throws {
        let subject = try #require(try BenchmarkCatalogue.subject("E-CAR-L"))
        let plain = try subject.cost(.init(model: "E-CAR-L", precision: .bf16)).workingBytes
        let known = Double(336 * 2 * 24 * 1152 * 2 + 256 * (6 * 6 + 2) * 1152 * 2)
        #expect(plain > known && plain < 1.5 * known, "\(plain) of \(known)")
        let guided = try subject.cost(.init(model: "E-CAR-L", precision: .bf16, isGuided: true)).workingBytes
        #expect(guided == 2 * plain)
        let bytes = Precision.allCases.map { BenchmarkCase(model: "", precision: $0).weightBytes(10) }
        #expect(bytes == [80, 40, 50])
    }

    @Test func everyStageNeedsAStep() throws {
        let subject = try #require(try BenchmarkCatalogue.subject("tiny"))
        #expect(throws: BenchmarkError.self) { try subject.cost(.init(model: "tiny", steps: 2)) }
        #expect(try subject.cost(.init(model: "tiny", steps: 3)).steps == 3)
    }
}
