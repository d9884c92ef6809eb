import Foundation

/// What happens to a job, as its listeners are told.
package enum JobEvent: Sendable, Equatable {
    /// So many images come before the job's first one, 0: it is among the next. Told again whenever it changes.
    case queued(place: Int)
    /// A step of a stage, both from 1, has been taken; `done` of the `total` steps of all the job's images. Not every step is
    /// told, but always the last.
    case step(stage: Int, step: Int, done: Int, total: Int, secondsLeft: Double)
    /// A PNG of an image, from 0, after a stage, from 1.
    case picture(index: Int, stage: Int, isFinal: Bool, png: Data)
    /// All is made; so many seconds after the submission.
    case done(seconds: Double)
    case failed(message: String)
    case cancelled(reason: String)

    package var name: String {
        switch self {
        case .queued: "queued"
        case .step: "step"
        case .picture: "picture"
        case .done: "done"
        case .failed: "failed"
        case .cancelled: "cancelled"
        }
    }

    /// Whether nothing comes after it.
    package var isLast: Bool {
        switch self {
        case .queued, .step, .picture: false
        case .done, .failed, .cancelled: true
        }
    }
}

/// An event of a job with its number: 1, 2, 3, … Numbers are missing where an event was overtaken by a newer one of its kind
/// before a listener came.
package struct JobUpdate: Sendable, Equatable {
    package let number: Int
    package let event: JobEvent

    package init(number: Int, event: JobEvent) {
        (self.number, self.event) = (number, event)
    }
}

/// The event's values without its name, as one flat object.
extension JobEvent: Encodable {
    private enum CodingKeys: String, CodingKey {
        case place, stage, step, done, total, secondsLeft, index, final, png, seconds, message, reason
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .queued(let place):
            try container.encode(place, forKey: .place)
        case .step(let stage, let step, let done, let total, let secondsLeft):
            try container.encode(stage, forKey: .stage)
            try container.encode(step, forKey: .step)
            try container.encode(done, forKey: .done)
            try container.encode(total, forKey: .total)
            try container.encode(secondsLeft, forKey: .secondsLeft)
        case .picture(let index, let stage, let isFinal, let png):
            try container.encode(index, forKey: .index)
            try container.encode(stage, forKey: .stage)
            try container.encode(isFinal, forKey: .final)
            try container.encode(png.base64EncodedString(), forKey: .png)
        case .done(let seconds): try container.encode(seconds, forKey: .seconds)
        case .failed(let message): try container.encode(message, forKey: .message)
        case .cancelled(let reason): try container.encode(reason, forKey: .reason)
        }
    }
}
