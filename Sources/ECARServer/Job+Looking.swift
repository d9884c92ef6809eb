import ECAR
import Foundation
import Torch

extension Job {
    /// Its PNG of an image, from 0, after a stage, from 1; nil where there is none.
    func picture(_ index: Int, stage: Int) -> Data? {
        for update in updates {
            if case .picture(index, stage, _, let png) = update.event { return png }
        }
        return nil
    }

    /// The stages of which every image has a picture, from 1.
    private var pictures: [[Int]] {
        var pictures = images.map { _ in [Int]() }
        for update in updates {
            if case .picture(let index, let stage, _, _) = update.event { pictures[index].append(stage) }
        }
        return pictures
    }

    /// What it holds on to, in bytes: pictures, states, and an allowance for the rest.
    var byteCount: Int {
        var bytes = 4096 + 256 * images.count
        for update in updates {
            if case .picture(_, _, _, let png) = update.event { bytes += png.count }
        }
        for draft in drafts {
            for stage in draft?.stages ?? [] { bytes += stage.count * stage.dtype.byteCount }
        }
        return bytes
    }

    /// - Parameter secondsLeft: An estimate, where it is unfinished.
    func status(at now: Duration, secondsLeft: Double?) -> JobStatus {
        JobStatus(
            id: id, state: state, isDraft: isDraft, images: images, pictures: pictures,
            stages: key.stages.lowerBound + 1...max(key.stages.lowerBound + 1, key.stages.upperBound),
            settings: key.settings, precision: key.precision, showsStages: key.showsStages, place: place, done: done,
            total: total, secondsLeft: secondsLeft, seconds: ((ended ?? now) - submitted) / .seconds(1),
            message: message)
    }
}
