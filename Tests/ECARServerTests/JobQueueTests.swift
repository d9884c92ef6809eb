import ECAR
import ECARServer
import Testing

/// Who is next, and with whom.
@Suite struct JobQueueTests {
    private var queue = JobQueue()

    /// Jobs of the same number may share a batch.
    private func key(_ number: Int) -> BatchKey {
        BatchKey(
            kind: .images, settings: SamplingSettings(steps: [number], guidance: [1]), precision: .f32,
            showsStages: false)
    }

    private mutating func add(_ client: String, _ images: Int, key number: Int = 1) -> JobID {
        let job = JobID()
        queue.add(job, client: client, key: key(number), images: images)
        return job
    }

    /// The images of the next batch by client.
    private mutating func take(_ most: Int) -> [String: Int] {
        let portions = queue.take(most)?.portions ?? []
        return Dictionary(portions.map { ($0.client, $0.images.count) }, uniquingKeysWith: +)
    }

    @Test mutating func anEmptyQueueHasNoBatch() {
        #expect(queue.take(4) == nil)
        _ = add("a", 0)
        #expect(queue.take(4) == nil && queue.count == 0)
    }

    @Test mutating func aJobIsSpreadOverBatchesInOrder() {
        let job = add("a", 5)
        let portions = queue.schedule(2).flatMap(\.portions)
        #expect(portions.map(\.images) == [0..<2, 2..<4, 4..<5] && portions.allSatisfy { $0.job == job })
    }

    /// Whoever comes while a batch of a client with many images is made is next, with other settings too.
    @Test mutating func manyImagesDelayNobodyByMoreThanABatch() {
        _ = add("many", 200)
        #expect(take(32) == ["many": 32])
        _ = add("one", 1, key: 2)
        #expect(take(32) == ["one": 1])
        #expect(take(32) == ["many": 32])
    }

    /// A client that asks for its next image when it has the last gets every second batch, not all.
    @Test mutating func thoseWhoAskOneByOneTakeTurnsToo() {
        _ = add("many", 100)
        var leads: [String] = []
        for _ in 0..<6 {
            leads += take(4).keys
            if queue.count(of: "one") == 0 { _ = add("one", 1, key: 2) }
        }
        #expect(leads == ["many", "one", "many", "one", "many", "one"])
    }

    @Test mutating func aBatchIsSharedEvenly() {
        _ = add("a", 200)
        _ = add("b", 1)
        _ = add("c", 3)
        #expect(take(8) == ["a": 4, "b": 1, "c": 3])
        #expect(take(8) == ["a": 8])
    }

    @Test mutating func otherSettingsWait() {
        _ = add("a", 1)
        _ = add("a", 1, key: 2)
        _ = add("b", 1, key: 2)
        _ = add("b", 1)
        #expect(take(8) == ["a": 1, "b": 1])
        #expect(take(8) == ["b": 1, "a": 1])
        #expect(queue.count == 0)
    }

    /// More clients than places: all are served equally often.
    @Test mutating func turnsGoRoundWherePlacesAreFew() {
        for client in 0..<40 { _ = add("\(client)", 10) }
        var served: [String: Int] = [:]
        for _ in 0..<5 { served.merge(take(32), uniquingKeysWith: +) }
        #expect(served.count == 40 && served.values.allSatisfy { $0 == 4 })
    }

    @Test mutating func whatIsRemovedIsNotMade() {
        let first = add("a", 3)
        _ = queue.take(1)
        let second = add("a", 2)
        queue.remove(first)
        #expect(queue.count == 2 && queue.count(of: "a") == 2 && queue.count(of: "b") == 0)
        #expect(queue.take(8)?.portions.map(\.job) == [second])
        #expect(queue.take(8) == nil)
    }

    /// Against chance: nothing is lost, made twice or mixed, nobody passes an older job of their own with the same key, and a
    /// client's oldest job waits for one batch of every other client at most.
    @Test(arguments: 0..<20 as Range<UInt64>) mutating func whateverComes(seed: UInt64) throws {
        var chance = Chance(state: seed)
        var waiting: [String: [Waiting]] = [:]  // by client, the oldest first
        var missed: [String: (batches: Int, most: Int)] = [:]
        for _ in 0..<300 {
            guard chance.below(3) == 0 else {
                let (client, number, images) = ("\(chance.below(5))", chance.below(3) + 1, chance.below(9) + 1)
                let job = add(client, images, key: number)
                waiting[client, default: []].append(Waiting(job: job, key: number, images: 0..<images))
                continue
            }
            let (most, planned) = (chance.below(8) + 1, queue)
            guard let batch = queue.take(most) else {
                #expect(waiting.isEmpty)
                continue
            }
            #expect(planned.schedule(most).first == batch && (1...most).contains(batch.count))

            for (client, jobs) in waiting {
                let isServed = batch.portions.contains { $0.job == jobs[0].job }
                let wait = missed[client] ?? (0, waiting.count - 1)
                missed[client] = isServed ? nil : (wait.batches + 1, wait.most)
                #expect(isServed || wait.batches < wait.most)
            }
            for portion in batch.portions {
                var jobs = try #require(waiting[portion.client])
                let place = try #require(jobs.firstIndex { key($0.key) == batch.key && !$0.images.isEmpty })
                #expect(
                    jobs[place].job == portion.job && jobs[place].images.prefix(portion.images.count) == portion.images)
                jobs[place].images.removeFirst(portion.images.count)
                waiting[portion.client] = jobs
            }
            waiting = waiting.mapValues { $0.filter { !$0.images.isEmpty } }.filter { !$0.value.isEmpty }
            #expect(queue.count == waiting.values.joined().reduce(0) { $0 + $1.images.count })
        }
    }

    private struct Waiting {
        let job: JobID
        let key: Int
        var images: Range<Int>
    }
}

/// A small generator of its own, so that a seed's run is the same everywhere.
private struct Chance {
    var state: UInt64

    mutating func below(_ bound: UInt64) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33 % bound)
    }
}
