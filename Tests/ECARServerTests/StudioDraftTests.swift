import ECAR
import ECARPictures
import ECARServer
import Foundation
import Testing
import TorchNN

/// Draft, pick, finish.
@Suite(.timeLimit(.minutes(1))) struct StudioDraftTests {
    private let test = TestStudio(isOpen: true)

    private func draft(_ count: Int = 4, class label: Int = 2, seed: UInt64 = 30, guidance: Double = 1) async throws
        -> JobID
    {
        let job = try await test.start(.make(.drafts(images(count, class: label, seed: seed)), guidance: guidance))
        #expect(await job.pictures().count == count)
        return job.id
    }

    @Test func draftsAreTheFirstStage() async throws {
        let id = try await draft()
        let status = try await test.studio.status(id)
        #expect(
            status.isDraft && status.stages == 1...1 && status.pictures == [[1], [1], [1], [1]] && status.total == 8)
        let expected = FakeMaker.picture(images(1, class: 2, seed: 33)[0], stage: 1, settings: FakeMaker.model.sampling)
        #expect(try await test.studio.picture(id, index: 3) == expected)
    }

    @Test func picksGoOnFromTheirOwnDrafts() async throws {
        let id = try await draft(guidance: 3)
        let picks = [JobRequest.Pick(index: 2), .init(index: 0, variation: 5), .init(index: 2, variation: 1)]
        let job = try await test.start(.make(.finish(draft: id, picks: picks), guidance: 4))
        let found = await job.pictures()
        let seeds: [UInt64] = [32, 30, 32]
        let settings = SamplingSettings(steps: [2, 3], guidance: [3, 4])
        for (place, pick) in picks.enumerated() {
            let variation = pick.variation == 0 ? nil : NoiseSeed.Variation(stagesKept: 1, number: pick.variation)
            let image = ImageRequest(class: 2, className: "2", seed: seeds[place], variation: variation)
            let expected = FakeMaker.picture(image, stage: 2, settings: settings, origin: Double(seeds[place]))
            #expect(found[place] == expected)
        }
        let status = try await test.studio.status(job.id)
        #expect(!status.isDraft && status.stages == 2...2 && status.total == 9 && status.settings == settings)
    }

    /// Finishes of several drafts and clients, one of which is cancelled on the way.
    @Test func finishesShareABatch() async throws {
        let test = TestStudio()
        var drafts: [JobID] = []
        test.gate.allow(2)
        for client in 0..<3 {
            let job = try await test.start(.make(.drafts(images(2, seed: UInt64(10 * client))), client: "\(client)"))
            if client > 0 { test.gate.allow(2) }
            _ = await job.events()
            drafts.append(job.id)
        }
        let blocker = try await test.start(.make(.images(images(1)), guidance: 9))
        await test.gate.begun(4)
        var jobs: [StartedJob] = []
        for (client, draft) in drafts.enumerated() {
            jobs.append(
                try await test.start(.make(.finish(draft: draft, picks: [.init(index: 1)]), client: "\(client)")))
        }
        test.gate.allow(5 + 1)
        _ = await blocker.events()
        await test.gate.asked(6 + 5 + 2)
        try await test.studio.cancel(jobs[1].id)
        test.gate.isOpen = true
        #expect(test.gate.orders.last?.images.count == 3)
        for (client, job) in jobs.enumerated() where client != 1 {
            let image = ImageRequest(class: 0, className: "0", seed: UInt64(10 * client + 1))
            let expected = FakeMaker.picture(
                image, stage: 2, settings: FakeMaker.model.sampling, origin: Double(10 * client + 1))
            #expect(await job.pictures() == [0: expected])
        }
    }

    /// A finish that does not fit into a batch.
    @Test func everyPickKeepsItsDraft() async throws {
        let test = TestStudio(limits: Limits(batch: 2), isOpen: true)
        let draft = try await test.start(.make(.drafts(images(5, seed: 50))))
        #expect(await draft.pictures().count == 5)
        let picks = [4, 3, 2, 1, 0].map { JobRequest.Pick(index: $0) }
        let found = await (try test.start(.make(.finish(draft: draft.id, picks: picks)))).pictures()
        for (place, image) in images(5, seed: 50).reversed().enumerated() {
            let expected = FakeMaker.picture(
                image, stage: 2, settings: FakeMaker.model.sampling, origin: Double(image.seed))
            #expect(found[place] == expected)
        }
    }

    /// A finish that was accepted holds what it needs.
    @Test func aDraftMayGoBeforeItsFinish() async throws {
        let test = TestStudio(limits: Limits(keptFor: .seconds(10)))
        let draft = try await test.start(.make(.drafts(images(1))))
        test.gate.allow(2)
        _ = await draft.events()
        let job = try await test.start(.make(.finish(draft: draft.id, picks: [.init(index: 0)])))
        test.clock.advance(by: .seconds(11))
        await #expect(throws: StudioError.expired) { try await test.studio.status(draft.id) }
        test.gate.isOpen = true
        #expect(await job.pictures().count == 1)
    }

    @Test func whatCannotBeFinished() async throws {
        let draft = try await draft()
        let whole = try await test.start(.make(.images(images(1))))
        _ = await whole.events()
        func refusal(
            _ id: JobID, _ picks: [Int] = [0], change: (inout JobRequest) -> Void = { _ in }
        ) async -> StudioError? {
            var request = JobRequest.make(.finish(draft: id, picks: picks.map { .init(index: $0) }))
            change(&request)
            return await test.refusal(request)
        }
        #expect(await refusal(whole.id) == .notADraft)
        #expect(await refusal(JobID()) == .unknownJob)
        #expect(await refusal(draft, []) == .wrong("a job has 1…64 images, not 0"))
        #expect(await refusal(draft, [0, 4]) == .wrong("the draft has the images 0…3, but not 4"))
        #expect(await refusal(draft, [-1]) == .wrong("the draft has the images 0…3, but not -1"))
        #expect(
            await refusal(draft) { $0.precision = .bf16 }
                == .wrong("a draft of the precision f32 cannot be finished in bf16"))
        let others: [(inout JobRequest) -> Void] = [
            { $0.settings.solver = .heun }, { $0.settings.timeShift = 2 }, { $0.settings.parallelGuidance = 0.5 },
        ]
        for change in others {
            #expect(
                await refusal(draft, change: change)
                    == .wrong("a draft is finished with its own solver, time shift and parallel guidance"))
        }
        #expect(
            await refusal(draft) { $0.settings.steps = [1] }
                == .wrong("the model has 2 stages, but there are 1 numbers of steps and 2 guidance scales"))
        #expect(await refusal(draft) { $0.settings.steps = [0, 3] } == nil)
    }

    /// Of a draft that was cancelled on the way nothing can be finished.
    @Test func aDraftMustBeDrawn() async throws {
        let test = TestStudio()
        let draft = try await test.start(.make(.drafts(images(1))))
        await test.gate.begun(1)
        let finish = JobRequest.make(.finish(draft: draft.id, picks: [.init(index: 0)]))
        #expect(await test.refusal(finish) == .notADraft)
        try await test.studio.cancel(draft.id)
        #expect(await test.refusal(finish) == .notADraft)
    }
}
