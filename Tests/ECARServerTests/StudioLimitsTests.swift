import ECAR
import ECARServer
import Foundation
import Testing
import TorchNN

/// What a studio turns away, and what it lets go.
@Suite(.timeLimit(.minutes(1))) struct StudioLimitsTests {
    @Test func aFullQueueSaysWhenToComeBack() async throws {
        let test = TestStudio(
            limits: Limits(batch: 2, queuedImages: 6, queuedImagesPerClient: 6), stepTime: .seconds(1))
        // A batch of two takes five seconds: measured once, the other is running.
        let first = try await test.start(.make(.images(images(2))))
        test.gate.allow(5)
        _ = await first.events()
        let running = try await test.start(.make(.images(images(2))))
        test.gate.allow(2)
        await test.gate.asked(5 + 3)
        var jobs = [running]
        for client in ["a", "b", "c"] { jobs.append(try await test.start(.make(.images(images(2)), client: client))) }
        // Three steps are left of the running batch, and with it there is room for two; for more, a batch later.
        #expect(await test.refusal(.make(.images(images(1)))) == .full(retryAfter: 3))
        #expect(await test.refusal(.make(.images(images(2)), client: "d")) == .full(retryAfter: 3))
        #expect(await test.refusal(.make(.images(images(3)), client: "d")) == .full(retryAfter: 8))
        #expect(await test.studio.counts().jobsRejected == 3)
        test.gate.isOpen = true
        for job in jobs { #expect(await job.pictures().count == 2) }
        #expect(await test.refusal(.make(.images(images(6)))) == nil)
    }

    /// A job that could only wait until its time is over is better told at once.
    @Test func aJobWhoseTurnWouldComeTooLateIsNotTaken() async throws {
        let test = TestStudio(limits: Limits(batch: 1), stepTime: .seconds(1))
        let request = JobRequest.make(.images(images(1)), timeLimit: .seconds(12))
        let first = try await test.start(request)
        test.gate.allow(5)
        _ = await first.events()
        var jobs: [StartedJob] = []
        // An image takes five seconds, so these begin after 0, 5 and 10…
        for _ in 0..<3 { jobs.append(try await test.start(request)) }
        await test.gate.asked(5 + 1)
        // …and the next would after 15; but the turn of another client comes sooner.
        #expect(await test.refusal(request) == .full(retryAfter: 3))
        #expect(await test.refusal(.make(.images(images(1)), client: "b", timeLimit: .seconds(12))) == nil)
    }

    @Test func beforeAnythingIsMeasuredASecondIsAsked() async throws {
        let test = TestStudio(limits: Limits(queuedImages: 1))
        _ = try await test.start(.make(.images(images(1))))
        await test.gate.begun(1)
        _ = try await test.start(.make(.images(images(1))))
        #expect(await test.refusal(.make(.images(images(1)))) == .full(retryAfter: 1))
    }

    @Test func aClientHasItsShareOfTheQueue() async throws {
        let test = TestStudio(limits: Limits(batch: 1, queuedImages: 8, queuedImagesPerClient: 3))
        _ = try await test.start(.make(.images(images(1))))
        await test.gate.begun(1)
        _ = try await test.start(.make(.images(images(3))))
        #expect(await test.refusal(.make(.images(images(1)))) == .full(retryAfter: 1))
        #expect(await test.refusal(.make(.images(images(3)), client: "b")) == nil)
        #expect(await test.refusal(.make(.images(images(2)), client: "c")) == nil)
        #expect(await test.refusal(.make(.images(images(1)), client: "d")) == .full(retryAfter: 1))
    }

    /// A job can always fit into an empty queue.
    @Test func limitsFitEachOther() {
        let limits = Limits(batch: 0, images: 64, steps: -1, queuedImages: 4)
        #expect(limits.batch == 1 && limits.images == 4 && limits.queuedImagesPerClient == 4 && limits.steps == 1)
    }

    @Test(arguments: [
        (0, 0, [2, 3], Precision.f32, "a job has 1…64 images, not 0"),
        (65, 0, [2, 3], .f32, "a job has 1…64 images, not 65"),
        (1, 10, [2, 3], .f32, "there is no class 10: the model has the classes 0…9"),
        (1, -1, [2, 3], .f32, "there is no class -1: the model has the classes 0…9"),
        (1, 0, [2], .f32, "the model has 2 stages, but there are 1 numbers of steps and 2 guidance scales"),
        (1, 0, [2, 0], .f32, "every stage needs 1…100000 steps, not [2, 0]"),
        (1, 0, [600, 401], .f32, "all stages together may have 1000 steps here, not 1001"),
        (1, 0, [2, 3], .int8, "no int8 here"),
    ])
    func whatCannotBeMade(count: Int, label: Int, steps: [Int], precision: Precision, sentence: String) async {
        let test = TestStudio()
        let wanted = images(count, class: label)
        for work in [JobRequest.Work.images(wanted), .drafts(wanted)] {
            let request = JobRequest(
                work: work, settings: SamplingSettings(steps: steps, guidance: [1, 1]), precision: precision,
                client: "a",
                timeLimit: .seconds(1))
            #expect(await test.refusal(request) == .wrong(sentence))
        }
        #expect(await test.studio.counts().jobsRejected == 0)
    }

    @Test func finishedJobsGoAfterAWhile() async throws {
        let test = TestStudio(limits: Limits(keptFor: .seconds(60)), isOpen: true)
        let job = try await test.start(.make(.images(images(1))))
        _ = await job.events()
        test.clock.advance(by: .seconds(59))
        _ = try await test.studio.picture(job.id, index: 0)
        #expect(await test.studio.counts().jobsKept == 1)
        test.clock.advance(by: .seconds(1))
        await #expect(throws: StudioError.expired) { try await test.studio.picture(job.id, index: 0) }
        await #expect(throws: StudioError.expired) { try await test.studio.status(job.id) }
        await #expect(throws: StudioError.expired) { _ = try await test.studio.events(job.id) }
        #expect(await test.refusal(.make(.finish(draft: job.id, picks: [.init(index: 0)]))) == .expired)
        let counts = await test.studio.counts()
        #expect(counts.jobsKept == 0 && counts.bytesKept == 0 && counts.jobsDone == 1)
    }

    /// The oldest first; pictures and states both count.
    @Test func finishedJobsTakeNoMoreThanTheirRoom() async throws {
        let test = TestStudio(limits: Limits(keptBytes: 20_000), isOpen: true)
        var jobs: [JobID] = []
        for number in 0..<12 {
            let wanted = images(4, seed: UInt64(number))
            let job = try await test.start(.make(number.isMultiple(of: 2) ? .images(wanted) : .drafts(wanted)))
            _ = await job.events()
            jobs.append(job.id)
            let counts = await test.studio.counts()
            #expect(counts.bytesKept <= 20_000 && counts.jobsKept == min(number + 1, 3))
        }
        await #expect(throws: StudioError.expired) { try await test.studio.picture(jobs[8], index: 0) }
        for job in jobs.suffix(3) { _ = try await test.studio.picture(job, index: 0) }
    }

    @Test func theNewestIsKeptHoweverLargeItIs() async throws {
        let test = TestStudio(limits: Limits(keptBytes: 1), isOpen: true)
        let (first, second) = (
            try await test.start(.make(.images(images(1)))), try await test.start(.make(.images(images(1))))
        )
        _ = (await first.events(), await second.events())
        #expect(await test.studio.counts().jobsKept == 1)
    }

    @Test func aJobGoesOnWithoutAListenerThatLeft() async throws {
        let test = TestStudio()
        let job = try await test.start(.make(.images(images(1))))
        let listening = Task { for await _ in try await test.studio.events(job.id) {} }
        listening.cancel()
        _ = await listening.result
        test.gate.isOpen = true
        #expect(await job.pictures().count == 1)
    }
}
