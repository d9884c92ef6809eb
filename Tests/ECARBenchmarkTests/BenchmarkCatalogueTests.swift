import ECAR
import ECARBenchmark
import Testing

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

    @Test func everyStageNeedsAStep() throws {
        let subject = try #require(try BenchmarkCatalogue.subject("tiny"))
        #expect(throws: BenchmarkError.self) { try subject.cost(.init(model: "tiny", steps: 2)) }
        #expect(try subject.cost(.init(model: "tiny", steps: 3)).steps == 3)
    }
}
