import ECAR
import ECARPictures
import Foundation
import TorchNN

/// What turns requests into PNGs, a batch at a time; a studio has one, and a test its own.
package protocol PictureMaker: Sendable {
    /// The model that it draws from.
    var model: ModelDescription { get }

    /// - Throws: ``StudioError/wrong(_:)`` where this machine cannot compute in that precision.
    func check(_ precision: Precision) throws(StudioError)

    /// Begins a batch; no step is taken yet.
    func begin(_ order: BatchOrder) async throws -> any PictureBatch
}

/// Images on their way. Releasing it frees all that it holds.
package protocol PictureBatch: Sendable {
    /// Takes the next step of the images of the given places, at least one, and lets all others go.
    ///
    /// - Parameter places: Among the images that the step before was taken of, rising.
    func step(keeping places: [Int]) async throws -> BatchStep
}

/// What a batch's step brought besides being one step further.
package struct BatchStep: Sendable {
    /// A PNG of every image that is left; none where the stage is not complete or its pictures are not wanted.
    package let pictures: [Data]
    /// After the last step of drafts: one of a single image for every image that is left.
    package let drafts: [Draft]

    package init(pictures: [Data] = [], drafts: [Draft] = []) {
        (self.pictures, self.drafts) = (pictures, drafts)
    }
}
