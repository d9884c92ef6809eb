import ECAR
import ECARPictures
import ECARServer
import Foundation
import Testing

/// What becomes of jobs, and what their listeners are told.
@Suite(.timeLimit(.minutes(1))) struct StudioTests {
    @Test func aJobTellsItsStory() async throws {
        let test = TestStudio(stepTime: .seconds(1))
        let job = try await test.start(.make(.images(images(2, class: 3, seed: 7)), showsStages: true))
        test.gate.isOpen = true
        let events = await job.events()
        let settings = FakeMaker.model.sampling
        func picture(_ index: Int, stage: Int) -> JobEvent {
            let png = FakeMaker.picture(images(2, class: 3, seed: 7)[index], stage: stage, settings: settings)
            return .picture(index: index, stage: stage, isFinal: stage == 2, png: png)
        }
        let (pictures, others) = (
            events.filter { $0.name == "picture" }, events.filter { $0.name != "picture" && $0.name != "step" }
        )
        #expect(pictures == [picture(0, stage: 1), picture(1, stage: 1), picture(0, stage: 2), picture(1, stage: 2)])
        #expect(others == [.queued(place: 0), .done(seconds: 5)])
        #expect(events.first == .queued(place: 0) && events.last == .done(seconds: 5))
        let steps = events.compactMap {
            if case .step(let stage, let step, let done, 10, _) = $0 { [stage, step, done] } else { nil }
        }
        #expect(steps == [[1, 1, 2], [1, 2, 4], [2, 1, 6], [2, 2, 8], [2, 3, 10]])
    }

    @Test func laterListenersHearTheSame() async throws {
        let test = TestStudio(stepTime: .seconds(1), isOpen: true)
        let job = try await test.start(.make(.images(images(1)), showsStages: true))
        var first: [JobUpdate] = []
        for await update in job.updates { first.append(update) }
        #expect(first.map(\.number) == Array(1...first.count))
        var later: [JobUpdate] = []
        for await update in try await test.studio.events(job.id) { later.append(update) }
        // Of the steps the last alone.
        #expect(later == first.filter { $0.event.name != "step" || $0.number == first.count - 2 })
        var rest: [JobUpdate] = []
        for await update in try await test.studio.events(job.id, after: later[2].number) { rest.append(update) }
        #expect(rest == Array(later.dropFirst(3)))
    }

    @Test func stepsAreToldAtMostTwentyTimesASecondButTheLastAlways() async throws {
        var model = FakeMaker.model
        model.sampling.steps = [100, 103]
        let test = TestStudio(FakeMaker(model: model), stepTime: .milliseconds(1), isOpen: true)
        let request = JobRequest(
            work: .images(images(1)), settings: model.sampling, client: "a", timeLimit: .seconds(100))
        let events = await (try test.start(request)).events()
        let told = events.compactMap { if case .step(_, _, let done, _, _) = $0 { done } else { nil } }
        #expect(told == [1, 51, 101, 151, 201, 203])
    }

    @Test func placesAreToldWhenTheyChange() async throws {
        let test = TestStudio(limits: Limits(batch: 2))
        let first = try await test.start(.make(.images(images(4))))
        await test.gate.begun(1)
        let second = try await test.start(.make(.images(images(1)), guidance: 2))
        let third = try await test.start(.make(.images(images(1)), guidance: 3, client: "b"))
        #expect(try await test.studio.status(second.id).place == 3)
        test.gate.isOpen = true
        // The third is another client's: it passes both, and then the first goes on.
        let (ofFirst, ofSecond, ofThird) = (await first.places(), await second.places(), await third.places())
        #expect(ofFirst == [0])
        #expect(ofSecond == [2, 3, 2, 0])
        #expect(ofThird == [0])
    }

    @Test func equalSettingsOfSeveralClientsShareABatch() async throws {
        let test = TestStudio()
        let blocker = try await test.start(.make(.images(images(1)), guidance: 9))
        await test.gate.begun(1)
        var jobs: [StartedJob] = []
        for client in 0..<6 {
            jobs.append(try await test.start(.make(.images(images(2, class: client)), client: "\(client)")))
        }
        jobs.append(try await test.start(.make(.images(images(1)), showsStages: true)))
        jobs.append(try await test.start(.make(.drafts(images(1)))))
        test.gate.isOpen = true
        for job in jobs + [blocker] { _ = await job.events() }
        #expect(test.gate.orders.map(\.images.count) == [1, 12, 1, 1])
        let counts = await test.studio.counts()
        #expect(counts.batches == 4 && counts.batchedImages == 15 && counts.images == 15 && counts.jobsDone == 9)
        #expect(counts.stepSeconds.count == 5 + 5 + 5 + 2)
    }

    /// A client with 200 images waiting, and another that comes with one.
    @Test func nobodyWaitsForMoreThanABatchOfAnother() async throws {
        let test = TestStudio()
        var many: [StartedJob] = []
        for _ in 0..<4 { many.append(try await test.start(.make(.images(images(50)), client: "many"))) }
        await test.gate.begun(1)
        let one = try await test.start(.make(.images(images(1)), guidance: 2, client: "one"))
        test.gate.isOpen = true
        #expect(await one.pictures().count == 1)
        for job in many { #expect(await job.pictures().count == 50) }
        #expect(test.gate.orders[1].images.count == 1 && test.gate.orders[1].key.settings.guidance == [2, 2])
    }

    /// Images of a job that does not fit into a batch, among those of others.
    @Test func everyPictureIsThatOfItsImage() async throws {
        let test = TestStudio(limits: Limits(batch: 5))
        var jobs: [(StartedJob, [ImageRequest], Double)] = []
        for number in 0..<12 {
            let wanted = images(3 * number % 11 + 1, class: number % 10, seed: UInt64(1000 * number))
            let guidance = Double(number % 3 + 1)
            let request = JobRequest.make(.images(wanted), guidance: guidance, client: "\(number % 4)")
            jobs.append((try await test.start(request), wanted, guidance))
        }
        test.gate.isOpen = true
        for (job, wanted, guidance) in jobs {
            let settings = SamplingSettings(steps: [2, 3], guidance: [guidance, guidance])
            let expected = wanted.map { FakeMaker.picture($0, stage: 2, settings: settings) }
            let found = await job.pictures()
            #expect(found == Dictionary(uniqueKeysWithValues: expected.enumerated().map { ($0, $1) }))
            for index in wanted.indices {
                #expect(try await test.studio.picture(job.id, index: index) == expected[index])
            }
        }
    }

    @Test func aJobsStatusAndPictures() async throws {
        let test = TestStudio(stepTime: .seconds(1))
        let job = try await test.start(.make(.images(images(1)), showsStages: true))
        test.gate.allow(3)
        await test.gate.asked(4)
        var status = try await test.studio.status(job.id)
        #expect(status.state == .running && status.pictures == [[1]] && status.stages == 1...2 && status.place == nil)
        #expect(status.done == 3 && status.total == 5 && status.seconds == 3 && status.message == nil)
        // A second a step, and stage 2's are known by now.
        #expect(status.secondsLeft.map { abs($0 - 2) < 1e-9 } == true)
        await #expect(throws: StudioError.unknownPicture) { try await test.studio.picture(job.id, index: 0) }
        await #expect(throws: StudioError.unknownPicture) { try await test.studio.picture(job.id, index: 1, stage: 1) }
        _ = try await test.studio.picture(job.id, index: 0, stage: 1)
        test.gate.isOpen = true
        _ = await job.events()
        status = try await test.studio.status(job.id)
        #expect(
            status.state == .done && status.pictures == [[1, 2]] && status.secondsLeft == nil && status.seconds == 5)
        let png = try await test.studio.picture(job.id, index: 0)
        #expect(try await test.studio.picture(job.id, index: 0, stage: 2) == png)
    }

    @Test func whatNobodyKnows() async {
        let (studio, id) = (TestStudio().studio, JobID())
        await #expect(throws: StudioError.unknownJob) { try await studio.status(id) }
        await #expect(throws: StudioError.unknownJob) { _ = try await studio.events(id) }
        await #expect(throws: StudioError.unknownJob) { try await studio.cancel(id) }
        await #expect(throws: StudioError.unknownJob) { try await studio.picture(id, index: 0) }
    }

    @Test func namesOfJobsAreReadBack() {
        let id = JobID()
        #expect(JobID(id.description) == id && id.description.utf8.count == 32 && id != JobID())
        for text in [
            "", "0", id.description.uppercased() + "G", String(repeating: "é", count: 16), id.description + "0",
        ] {
            #expect(JobID(text) == nil)
        }
        #expect(JobID(String(repeating: "0", count: 32))?.description == String(repeating: "0", count: 32))
    }

    @Test(arguments: [
        (JobEvent.queued(place: 2), #"{"place":2}"#),
        (
            .step(stage: 1, step: 2, done: 3, total: 4, secondsLeft: 0.5),
            #"{"done":3,"secondsLeft":0.5,"stage":1,"step":2,"total":4}"#
        ),
        (
            .picture(index: 0, stage: 3, isFinal: true, png: Data([1, 2])),
            #"{"final":true,"index":0,"png":"AQI=","stage":3}"#
        ),
        (.done(seconds: 1.5), #"{"seconds":1.5}"#), (.failed(message: "m"), #"{"message":"m"}"#),
        (.cancelled(reason: "r"), #"{"reason":"r"}"#),
    ])
    func eventsAreFlatObjects(event: JobEvent, json: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(String(decoding: try encoder.encode(event), as: UTF8.self) == json)
    }
}
