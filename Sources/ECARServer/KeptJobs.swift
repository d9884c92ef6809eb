/// The jobs that are finished, as long as there is time and room for them: the oldest goes first.
struct KeptJobs: Sendable {
    /// Of so many jobs that are gone it is known that they were here.
    private static let remembered = 4096

    private struct Place {
        let id: JobID
        let since: Duration
        let bytes: Int
    }

    private let limits: Limits
    private var jobs: [JobID: Job] = [:]
    private var places: [Place] = []  // the oldest first
    private var gone: [JobID] = []  // the oldest first

    private(set) var bytes = 0

    init(_ limits: Limits) { self.limits = limits }

    var count: Int { jobs.count }

    /// Keeps a job, at the cost of others where there is no room.
    mutating func add(_ job: Job, at now: Duration) {
        let place = Place(id: job.id, since: now, bytes: job.byteCount)
        jobs[job.id] = job
        places.append(place)
        bytes += place.bytes
        expire(at: now)
    }

    /// Lets the jobs go whose time is over, and as many more as there is no room for; never the newest for its size alone, or
    /// nobody would ever see its pictures.
    mutating func expire(at now: Duration) {
        var left = bytes
        let over = places.enumerated().prefix { index, place in
            let isOver = now - place.since >= limits.keptFor || (left > limits.keptBytes && index < places.count - 1)
            if isOver { left -= place.bytes }
            return isOver
        }.count
        guard over > 0 else { return }
        for place in places.prefix(over) { jobs[place.id] = nil }
        gone = (gone + places.prefix(over).map(\.id)).suffix(Self.remembered)
        places.removeFirst(over)
        bytes = left
    }

    /// - Throws: ``StudioError/expired`` for a job that is gone, ``StudioError/unknownJob`` for one that never was, or was too
    ///   long ago.
    func job(_ id: JobID) throws(StudioError) -> Job {
        if let job = jobs[id] { return job }
        throw gone.contains(id) ? .expired : .unknownJob
    }
}
