import ECARImages
import ECARTraining
import Files
import Testing

@Suite struct TrainingDataTests {
    /// Four pictures of one class and one of another.
    private struct Unbalanced: ImageDataset {
        let name = "unbalanced"
        let count = 5
        let classNames = ["frequent", "rare"]

        func label(_ index: Int) -> Int { index == 2 ? 1 : 0 }
        func image(_ index: Int) throws(FileError) -> Image { try Image(width: 1, height: 1, channels: 1, fill: 0) }
    }

    @Test(arguments: [(0.0, 1.0, 1.0), (0.5, 5.0 / 6, 5.0 / 3), (1.0, 0.625, 2.5)])
    func classesAreBalanced(balance: Double, frequent: Double, rare: Double) {
        let found = TrainingData.pictures(Unbalanced()).frequencies(classBalance: balance)
        for (index, frequency) in found.enumerated() {
            #expect(abs(frequency - (index == 2 ? rare : frequent)) < 1e-12)
        }
        #expect(found.count == 5)
    }
}
