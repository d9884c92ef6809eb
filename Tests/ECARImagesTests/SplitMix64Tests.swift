import ECARImages
import Testing

@Suite struct SplitMix64Tests {
    /// The values of the authors' own C program for the seed 1234567.
    @Test func matchesTheReference() {
        var generator = SplitMix64(seed: 1_234_567)
        let values = (0..<5).map { _ in generator.next() }
        #expect(
            values == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
                4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
            ])
    }

    @Test func permutes() {
        var generator = SplitMix64(mixing: 1, 2)
        let order = generator.permutation(1000)
        #expect(order != Array(0..<1000) && order.sorted() == Array(0..<1000))
        var other = SplitMix64(mixing: 2, 1)
        #expect(other.permutation(1000) != order)
        #expect(generator.permutation(0).isEmpty && generator.permutation(1) == [0])
    }

    @Test func drawsEvenly() {
        var generator = SplitMix64(seed: 9)
        var counts = [Int](repeating: 0, count: 7)
        var sum = 0.0
        for _ in 0..<70_000 {
            counts[generator.below(7)] += 1
            sum += generator.uniform()
        }
        #expect(counts.allSatisfy { abs($0 - 10_000) < 500 })
        #expect(abs(sum / 70_000 - 0.5) < 0.01)
    }
}
