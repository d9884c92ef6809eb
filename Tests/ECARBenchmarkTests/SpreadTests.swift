import ECARBenchmark
import Testing

@Suite struct SpreadTests {
    @Test(arguments: [
        ([3.0], 3.0, 3.0, 3.0), ([4, 1], 2.5, 1, 4), ([9, 1, 5], 5, 1, 9), ([1, 100, 2, 4], 3, 1, 100),
    ])
    func medianAndEnds(_ values: [Double], _ median: Double, _ lowest: Double, _ highest: Double) throws {
        let spread = try #require(Spread(values))
        #expect(spread.median == median && spread.lowest == lowest && spread.highest == highest)
    }

    @Test func nothingHasNone() { #expect(Spread([]) == nil) }
}
