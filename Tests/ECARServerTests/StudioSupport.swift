import ECAR
import ECARPictures
import ECARServer
import Foundation
import Logging
import Synchronization
import Testing
import TorchNN

/// A clock that stands still unless it is told otherwise.
final class TestClock: Sendable {
    private let time = Mutex(Duration.zero)

    var now: @Sendable () -> Duration { { self.time.withLock { $0 } } }

    func advance(by duration: Duration) { time.withLock { $0 += duration } }
}

/// A studio, what it works with, and the hand that the test has on it.
struct TestStudio {
    let clock = TestClock()
    let gate = Gate()
    let studio: Studio

    /// - Parameters:
    ///   - stepTime: What the clock advances in every step.
    ///   - isOpen: Whether steps are taken without being asked for.
    init(
        _ maker: any PictureMaker = FakeMaker(), limits: Limits = Limits(), stepTime: Duration = .zero,
        isOpen: Bool = false
    ) {
        let (clock, gate) = (clock, gate)
        gate.isOpen = isOpen
        studio = Studio(
            maker: GatedMaker(inner: maker, gate: gate, didStep: { clock.advance(by: stepTime) }), limits: limits,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, now: clock.now)
    }

    /// Submits a job and has all its events to come.
    func start(_ request: JobRequest) async throws -> StartedJob {
        let id = try await studio.submit(request)
        return StartedJob(id: id, updates: try await studio.events(id))
    }

    /// The error with which a request is turned away.
    func refusal(_ request: JobRequest) async -> StudioError? {
        do {
            _ = try await studio.submit(request)
            return nil
        } catch {
            return error
        }
    }
}

/// A job and the stream of its updates, of which there is one reader.
struct StartedJob {
    let id: JobID
    let updates: AsyncStream<JobUpdate>

    /// All events, once the job has ended.
    func events() async -> [JobEvent] {
        var events: [JobEvent] = []
        for await update in updates { events.append(update.event) }
        return events
    }

    /// The places that were told, once the job has ended.
    func places() async -> [Int] {
        await events().compactMap { if case .queued(let place) = $0 { place } else { nil } }
    }

    /// The final pictures by image, once the job has ended.
    func pictures() async -> [Int: Data] { finals(await events()) }
}

/// The final pictures among events, by image.
func finals(_ events: [JobEvent]) -> [Int: Data] {
    var pictures: [Int: Data] = [:]
    for case .picture(let index, _, true, let png) in events { pictures[index] = png }
    return pictures
}

/// Requests of ``FakeMaker``'s classes.
func images(_ count: Int, class label: Int = 0, seed: UInt64 = 0) -> [ImageRequest] {
    (0..<count).map { ImageRequest(class: label, className: "\(label)", seed: seed + UInt64($0)) }
}

extension JobRequest {
    /// A request with the settings of ``FakeMaker/model``.
    static func make(
        _ work: Work, guidance: Double = 1, client: String = "a", showsStages: Bool = false,
        timeLimit: Duration = .seconds(1_000_000)
    ) -> JobRequest {
        var settings = FakeMaker.model.sampling
        settings.guidance = settings.guidance.map { _ in guidance }
        return JobRequest(
            work: work, settings: settings, showsStages: showsStages, client: client, timeLimit: timeLimit)
    }
}
