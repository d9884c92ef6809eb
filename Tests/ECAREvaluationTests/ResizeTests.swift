import ECAREvaluation
import TestSupport
import Testing
import Torch

@Suite struct ResizeTests {
    static let sizes = [
        "1x1", "5x1", "17x23", "32x32", "64x48", "256x256", "299x299", "300x298", "401x300", "512x512",
    ]

    @Test(arguments: InceptionResize.allCases, sizes) func equalsTheReference(
        _ resize: InceptionResize, _ size: String
    ) throws {
        let file = try TensorFile("resize")
        let resized = try resize(hashedPicture(size).to(.float32))
        #expect(resized.shape == [1, 3, 299, 299])
        let found = try resized.reshape([-1]).gather(0, file["positions"])
        try expectEqual(found, file["\(resize.rawValue).\(size)"], tolerance: 5e-7)
    }

    @Test func theTwoDiffer() throws {
        let picture = try hashedPicture("64x48").to(.float32)
        #expect(try difference(InceptionResize.tensorflow(picture), InceptionResize.pytorchFID(picture)) > 0.1)
    }

    @Test func everyPictureAlone() throws {
        let picture = try hashedPicture("17x23").to(.float32)
        let both = try Tensor.cat([picture, picture.flip(2)], 0)
        for resize in InceptionResize.allCases {
            try expectEqual(resize(both).narrow(0, start: 1, length: 1), resize(picture.flip(2)), tolerance: 0)
        }
    }

    @Test(arguments: [[3, 4, 4], [1, 3, 0, 4], [1, 3, 4, 0]]) func emptyPictures(_ shape: [Int]) throws {
        let pictures = try Tensor.zeros(shape)
        let error = #expect(throws: TorchError.self) { try InceptionResize.tensorflow(pictures) }
        #expect(error?.message.contains("not \(shape)") == true)
    }

    @Test func statisticsOfOtherPrograms() {
        func expect(
            _ resize: InceptionResize, _ name: String, _ words: String?,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            let notes = resize.notes(onStatistics: name).joined()
            #expect(words.map(notes.contains) ?? notes.isEmpty, "\(notes)", sourceLocation: sourceLocation)
        }
        expect(.tensorflow, "cifar10_clean_train_32.npz", "not comparable")
        expect(.tensorflow, "cifar10_legacy_tensorflow_train_32.npz", nil)
        expect(.pytorchFID, "cifar10_legacy_pytorch_train_32.npz", nil)
        expect(.tensorflow, "cifar10_legacy_pytorch_train_32.npz", "choose pytorch-fid")
        expect(.pytorchFID, "VIRTUAL_imagenet256_labeled.npz", "choose tensorflow")
        expect(.tensorflow, "VIRTUAL_imagenet256_labeled.npz", nil)
        expect(.tensorflow, "mine.npz", "only if it was tensorflow's")
    }
}
