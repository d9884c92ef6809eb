import ECAR
import TorchNN

/// How fast the machine is, as far as it has been seen: seconds a multiply-accumulate, for every precision and stage, and seconds
/// a picture, decoded and compressed, for every stage.
package struct Pace: Sendable {
    private struct Place: Hashable {
        let precision: Precision
        let stage: Int
    }

    /// How much a new measurement counts against those before.
    private static let weight = 0.2

    private let configuration: ModelConfiguration
    private var secondsPerMAC: [Place: Double] = [:]
    private var secondsPerPicture: [Int: Double] = [:]

    package init(_ configuration: ModelConfiguration) { self.configuration = configuration }

    /// Learns from a step.
    ///
    /// - Parameters:
    ///   - stage: From 0.
    ///   - images: Of how many the step was.
    ///   - hasPictures: Whether pictures of them were made after it.
    package mutating func add(seconds: Double, stage: Int, key: BatchKey, images: Int, hasPictures: Bool) {
        let macs = stepMACs(key)[stage] * Double(images)
        guard macs > 0 else { return }
        let place = Place(precision: key.precision, stage: stage)
        if hasPictures, let speed = secondsPerMAC[place], seconds >= macs * speed {
            Self.learn((seconds - macs * speed) / Double(images), &secondsPerPicture[stage])
        } else {
            Self.learn(seconds / macs, &secondsPerMAC[place])
        }
    }

    private static func learn(_ value: Double, _ mean: inout Double?) {
        let before = mean ?? value
        mean = before + weight * (value - before)
    }

    /// The seconds that so many images take in one batch; 0 before anything was seen.
    package func seconds(_ key: BatchKey, images: Int) -> Double {
        guard let first = key.stages.first else { return 0 }
        return seconds(key, images: images, after: 0, of: first)
    }

    /// The same for what is left of a batch.
    ///
    /// - Parameters:
    ///   - steps: Those of the stage that are taken.
    ///   - stage: From 0.
    package func seconds(_ key: BatchKey, images: Int, after steps: Int, of stage: Int) -> Double {
        let macs = stepMACs(key)
        return key.stages.reduce(0) { sum, s in
            let left = s < stage ? 0 : key.settings.steps[s] - (s == stage ? steps : 0)
            let pictures = left > 0 && key.hasPictures(s) ? secondsPerPicture[s] ?? 0 : 0
            return sum + Double(images) * (Double(left) * macs[s] * speed(key.precision, stage: s) + pictures)
        }
    }

    /// The MACs of a step of one image, at every stage.
    private func stepMACs(_ key: BatchKey) -> [Double] {
        let stages = Cost(configuration, sampling: key.settings).stages
        return zip(stages, key.settings.steps).map { $0.macs / Double(max(1, $1)) }
    }

    /// What was measured, or else the mean of what was measured most like it.
    private func speed(_ precision: Precision, stage: Int) -> Double {
        if let own = secondsPerMAC[Place(precision: precision, stage: stage)] { return own }
        let same = secondsPerMAC.filter { $0.key.precision == precision }
        let alike = (same.isEmpty ? secondsPerMAC : same).values
        return alike.isEmpty ? 0 : alike.reduce(0, +) / Double(alike.count)
    }
}
