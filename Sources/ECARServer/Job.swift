import ECAR
import ECARPictures
import Foundation

/// A job on its way or finished: what it is made from, what came of it, and who listens.
struct Job: Sendable {
    typealias Listener = AsyncStream<JobUpdate>.Continuation

    /// How a job ends, and why where it is not well.
    enum End: Sendable {
        case done
        case failed(String)
        case cancelled(String)
    }

    /// Steps are told this far apart at least, so that fast models do not flood their listeners.
    static let quiet = Duration.milliseconds(50)

    let id: JobID
    let client: String
    let key: BatchKey
    let images: [ImageRequest]
    /// Of a finish: what every image goes on from, until the job ends.
    private(set) var origins: [Draft]
    let submitted: Duration
    let timeLimit: Duration

    private(set) var state = JobStatus.State.waiting
    /// The images that come before its first one, while it waits.
    private(set) var place: Int?
    /// Steps taken, of all images together.
    private(set) var done = 0
    /// Of a draft: every image once it is drawn.
    private(set) var drafts: [Draft?]
    private(set) var ended: Duration?
    private(set) var message: String?

    /// What its listeners were told; places and steps only the last.
    private(set) var updates: [JobUpdate] = []
    private var lastNumber = 0
    private var lastStep: Duration?
    private var imagesLeft: Int
    private var listeners: [Int: Listener] = [:]
    private var lastListener = 0

    init(
        _ id: JobID, client: String, key: BatchKey, images: [ImageRequest], origins: [Draft], submitted: Duration,
        timeLimit: Duration
    ) {
        (self.id, self.client, self.key, self.images, self.origins) = (id, client, key, images, origins)
        (self.submitted, self.timeLimit) = (submitted, timeLimit)
        drafts = images.map { _ in nil }
        imagesLeft = images.count
    }

    /// The steps of all its images together.
    var total: Int { key.steps * images.count }

    var isDraft: Bool { key.kind == .drafts }

    // MARK: Happening

    mutating func wait(behind images: Int) {
        guard place != images, state == .waiting else { return }
        place = images
        tell(.queued(place: images))
    }

    mutating func begin() {
        guard state == .waiting else { return }
        (state, place) = (.running, nil)
    }

    /// - Parameters:
    ///   - stage: The stage, from 0, and the step within it, from 1.
    ///   - images: Of so many of the job's images.
    mutating func take(step: Int, stage: Int, images: Int, at now: Duration, secondsLeft: Double) {
        done += images
        if let lastStep, now - lastStep < Self.quiet, done < total { return }
        lastStep = now
        tell(.step(stage: stage + 1, step: step, done: done, total: total, secondsLeft: secondsLeft))
    }

    /// - Parameters:
    ///   - index: The image, from 0.
    ///   - stage: From 0.
    mutating func add(_ png: Data, index: Int, stage: Int) {
        let isFinal = stage == key.stages.last
        if isFinal { imagesLeft -= 1 }
        tell(.picture(index: index, stage: stage + 1, isFinal: isFinal, png: png))
    }

    mutating func keep(_ draft: Draft, index: Int) { drafts[index] = draft }

    /// Whether every image has its last picture.
    var isComplete: Bool { imagesLeft == 0 }

    /// Ends the job, and the streams of its listeners.
    mutating func end(_ end: End, at now: Duration) {
        (ended, place, origins) = (now, nil, [])
        switch end {
        case .done:
            state = .done
            tell(.done(seconds: (now - submitted) / .seconds(1)))
        case .failed(let message):
            (state, self.message) = (.failed, message)
            tell(.failed(message: message))
        case .cancelled(let reason):
            (state, message) = (.cancelled, reason)
            tell(.cancelled(reason: reason))
        }
        for listener in listeners.values { listener.finish() }
        listeners = [:]
    }

    // MARK: Telling

    private mutating func tell(_ event: JobEvent) {
        switch event {
        case .queued, .step: updates.removeAll { $0.event.name == event.name }
        case .picture, .done, .failed, .cancelled: break
        }
        lastNumber += 1
        let update = JobUpdate(number: lastNumber, event: event)
        updates.append(update)
        for listener in listeners.values { listener.yield(update) }
    }

    /// Tells a listener what happened after the update of the given number, and what is to come.
    ///
    /// - Returns: A number to forget the listener by; nil where nothing is to come.
    mutating func listen(_ listener: Listener, after number: Int) -> Int? {
        for update in updates where update.number > number { listener.yield(update) }
        guard state.isUnfinished else {
            listener.finish()
            return nil
        }
        lastListener += 1
        listeners[lastListener] = listener
        return lastListener
    }

    mutating func forget(listener number: Int) { listeners[number] = nil }
}
