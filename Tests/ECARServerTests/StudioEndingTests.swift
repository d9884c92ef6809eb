import ECAR
import ECARServer
import Foundation
import Testing

/// Jobs that end before they are made: cancelled, too slow, failed, or with the studio.
@Suite(.timeLimit(.minutes(1))) struct StudioEndingTests {
    @Test func cancellingFreesTheMachineWithinAStep() async throws {
        let test = TestStudio()
        let first = try await test.start(.make(.images(images(40))))
        let second = try await test.start(.make(.images(images(1)), guidance: 2))
        test.gate.allow(1)
        await test.gate.asked(2)
        try await test.studio.cancel(first.id, reason: "the client left")
        #expect(await first.events().last == .cancelled(reason: "the client left"))
        // The step that was on the way is the last of the batch; what waited of the job is never begun.
        test.gate.allow(1)
        await test.gate.asked(3)
        #expect(test.gate.steps == [Array(0..<32), Array(0..<32), [0]])
        test.gate.isOpen = true
        #expect(await second.pictures().count == 1)
        #expect(test.gate.orders.count == 2)
        let status = try await test.studio.status(first.id)
        #expect(status.state == .cancelled && status.message == "the client left")
        // Once more, it is as it was.
        try await test.studio.cancel(first.id)
        #expect(try await test.studio.status(first.id).message == "the client left")
        #expect(await test.studio.counts().jobsCancelled == 1)
    }

    @Test func cancellingAPartOfABatchLetsTheRestGoOn() async throws {
        let test = TestStudio()
        let blocker = try await test.start(.make(.images(images(1)), guidance: 9))
        await test.gate.begun(1)
        let (first, second) = (images(2, class: 1, seed: 10), images(3, class: 2, seed: 20))
        let (cancelled, left) = (
            try await test.start(.make(.images(first), client: "b")), try await test.start(.make(.images(second)))
        )
        test.gate.allow(5 + 2)
        _ = await blocker.events()
        await test.gate.asked(5 + 3)
        try await test.studio.cancel(cancelled.id)
        test.gate.isOpen = true
        let pictures = await left.pictures()
        let expected = second.map { FakeMaker.picture($0, stage: 2, settings: FakeMaker.model.sampling) }
        #expect(pictures == [0: expected[0], 1: expected[1], 2: expected[2]])
        // Until the step that was on the way, all five; then the places of the three, of whichever client came first.
        let steps = test.gate.steps.dropFirst(5)
        #expect(steps.map(\.count) == [5, 5, 5, 3, 3])
    }

    @Test func whoWaitsCanBeCancelledToo() async throws {
        let test = TestStudio()
        let first = try await test.start(.make(.images(images(1))))
        await test.gate.begun(1)
        let second = try await test.start(.make(.images(images(1)), guidance: 2))
        try await test.studio.cancel(second.id)
        #expect(await second.events() == [.queued(place: 0), .cancelled(reason: "cancelled")])
        test.gate.isOpen = true
        _ = await first.events()
        #expect(test.gate.orders.count == 1)
    }

    @Test func timeIsLimited() async throws {
        let test = TestStudio(stepTime: .seconds(2))
        let running = try await test.start(.make(.images(images(1)), timeLimit: .seconds(5)))
        await test.gate.begun(1)
        let waiting = try await test.start(.make(.images(images(1)), guidance: 2, timeLimit: .seconds(6)))
        let patient = try await test.start(.make(.images(images(1)), guidance: 3, timeLimit: .seconds(90)))
        test.gate.isOpen = true
        #expect(await running.events().last == .failed(message: "the job took longer than 5 s"))
        #expect(await waiting.events() == [.queued(place: 0), .failed(message: "the job took longer than 6 s")])
        #expect(await patient.events().last == .done(seconds: 16))
        #expect(try await test.studio.status(running.id).done == 3)
        #expect(await test.studio.counts().jobsFailed == 2)
    }

    /// At its begin, and in the middle.
    @Test(arguments: [0, 3]) func aMakerThatFailsFailsItsBatchAlone(step: Int) async throws {
        let test = TestStudio(FakeMaker(broken: (class: 6, step: step)), limits: Limits(batch: 4))
        let fine = try await test.start(.make(.images(images(2))))
        await test.gate.begun(1)
        let broken = try await test.start(.make(.images(images(9, class: 6)), guidance: 2))
        let unlucky = try await test.start(.make(.images(images(1)), guidance: 2, client: "b"))
        let later = try await test.start(.make(.images(images(1)), guidance: 3))
        test.gate.isOpen = true
        let message = "the pictures could not be made; the server's log says why"
        #expect(await fine.pictures().count == 2)
        #expect(await broken.events().last == .failed(message: message))
        #expect(await unlucky.events().last == .failed(message: message))
        #expect(await later.pictures().count == 1)
        // Nothing is left of it in the queue.
        #expect(test.gate.orders.count == 3)
        #expect(await test.studio.counts().imagesWaiting == 0)
    }

    @Test func shuttingDownFinishesWhatItCan() async throws {
        let test = TestStudio(limits: Limits(batch: 1), stepTime: .seconds(1))
        let first = try await test.start(.make(.images(images(1))))
        let second = try await test.start(.make(.images(images(1))))
        let third = try await test.start(.make(.images(images(1))))
        await test.gate.begun(1)
        async let lost = test.studio.shutDown(grace: .seconds(8))
        while await !test.studio.counts().isShuttingDown { await Task.yield() }
        #expect(await test.refusal(.make(.images(images(1)))) == .unavailable)
        test.gate.isOpen = true
        #expect(await lost == 2)
        #expect(await first.events().last == .done(seconds: 5))
        #expect(await second.events().last == .cancelled(reason: "the server is shutting down"))
        #expect(await third.events().last == .cancelled(reason: "the server is shutting down"))
        // The grace was over after three steps of the second job.
        #expect(test.gate.steps.count == 8)
        let counts = await test.studio.counts()
        #expect(counts.jobsDone == 1 && counts.jobsCancelled == 2 && counts.jobsRunning + counts.jobsWaiting == 0)
        // What was made can still be fetched.
        _ = try await test.studio.picture(first.id, index: 0)
        #expect(await test.studio.shutDown(grace: .zero) == 2)
    }

    @Test func shuttingDownAnIdleStudioIsQuick() async {
        #expect(await TestStudio().studio.shutDown(grace: .seconds(1000)) == 0)
    }

    /// Many clients at once, half of whom leave.
    @Test func aCrowdLosesNothing() async throws {
        let test = TestStudio(limits: Limits(batch: 7), isOpen: true)
        await withTaskGroup(of: Void.self) { group in
            for client in 0..<100 {
                group.addTask {
                    let wanted = images(client % 4 + 1, class: client % 10, seed: UInt64(client * 100))
                    let request = JobRequest.make(
                        .images(wanted), guidance: Double(client % 3), client: "\(client % 20)")
                    guard let job = try? await test.start(request) else {
                        Issue.record("a job was refused")
                        return
                    }
                    if client % 2 == 0 {
                        try? await test.studio.cancel(job.id)
                        _ = await job.events()
                    } else {
                        let settings = SamplingSettings(
                            steps: [2, 3], guidance: [Double(client % 3), Double(client % 3)])
                        let expected = wanted.map { FakeMaker.picture($0, stage: 2, settings: settings) }
                        #expect(
                            await job.pictures()
                                == Dictionary(uniqueKeysWithValues: expected.enumerated().map { ($0, $1) }))
                    }
                }
            }
        }
        let counts = await test.studio.counts()
        #expect(counts.jobsDone + counts.jobsCancelled == 100 && counts.jobsDone >= 50 && counts.jobsFailed == 0)
        #expect(counts.imagesWaiting == 0 && counts.imagesRunning == 0)
    }
}
