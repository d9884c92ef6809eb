/// The images that wait, and which of them are made next.
///
/// Clients take turns. Whoever's turn it is decides what is made: its oldest job. Images of other jobs that have the same key
/// fill the batch, one of each client after the other. When the batch is made, all whose oldest jobs were in it go to the back.
/// So a client waits for one batch of every other at most, however many images these have waiting, and within a client the
/// oldest comes first.
package struct JobQueue: Sendable {
    /// Consecutive images of a job.
    package struct Portion: Sendable, Equatable {
        package let job: JobID
        package let client: String
        package let images: Range<Int>
    }

    /// What is made at once.
    package struct Batch: Sendable, Equatable {
        package let key: BatchKey
        package let portions: [Portion]

        package var count: Int { portions.reduce(0) { $0 + $1.images.count } }
    }

    private struct Waiting {
        let job: JobID
        let key: BatchKey
        /// Stands for the key: equal numbers, equal keys. Looking far ahead compares them often.
        let kind: Int
        var images: Range<Int>
    }

    private struct Client {
        let name: String
        var jobs: [Waiting]

        /// Takes so many of its oldest images of a kind.
        mutating func take(_ share: Int, of kind: Int) -> [Portion] {
            var (portions, left) = ([Portion](), share)
            for index in jobs.indices where left > 0 && jobs[index].kind == kind {
                let taken = jobs[index].images.prefix(left)
                portions.append(Portion(job: jobs[index].job, client: name, images: taken))
                jobs[index].images.removeFirst(taken.count)
                left -= taken.count
            }
            jobs.removeAll { $0.images.isEmpty }
            return portions
        }
    }

    /// In the order of their turns; none without jobs, no job without images.
    private var clients: [Client] = []
    /// Whose oldest jobs were in the last batch.
    private var served: Set<String> = []
    private var lastKind = 0

    package init() {}

    /// The images that wait.
    package var count: Int { clients.reduce(0) { $0 + Self.count($1) } }

    /// Those of one client.
    package func count(of client: String) -> Int {
        clients.first { $0.name == client }.map(Self.count) ?? 0
    }

    private static func count(_ client: Client) -> Int { client.jobs.reduce(0) { $0 + $1.images.count } }

    // MARK: Changing

    /// Lets a job's images wait behind all others of its client.
    package mutating func add(_ job: JobID, client: String, key: BatchKey, images: Int) {
        guard images > 0 else { return }
        let known = clients.lazy.flatMap(\.jobs).first { $0.key == key }
        if known == nil { lastKind += 1 }
        let waiting = Waiting(job: job, key: key, kind: known?.kind ?? lastKind, images: 0..<images)
        if let place = clients.firstIndex(where: { $0.name == client }) {
            clients[place].jobs.append(waiting)
        } else {
            clients.append(Client(name: client, jobs: [waiting]))
        }
    }

    /// Removes what still waits of a job.
    package mutating func remove(_ job: JobID) {
        for index in clients.indices { clients[index].jobs.removeAll { $0.job == job } }
        clients.removeAll { $0.jobs.isEmpty }
    }

    /// Takes the images to be made next out of the queue, at most so many; nil where none wait.
    package mutating func take(_ most: Int) -> Batch? {
        passTurns()
        guard let first = clients.first?.jobs.first else { return nil }
        let wanted = clients.map { client in
            client.jobs.reduce(0) { $0 + ($1.kind == first.kind ? $1.images.count : 0) }
        }
        var portions: [Portion] = []
        for (index, share) in Self.shares(wanted, of: max(1, most)).enumerated() where share > 0 {
            if clients[index].jobs.first?.kind == first.kind { served.insert(clients[index].name) }
            portions += clients[index].take(share, of: first.kind)
        }
        clients.removeAll { $0.jobs.isEmpty }
        return Batch(key: first.key, portions: portions)
    }

    /// Puts the clients that had their turn behind all others, among them those that came while the batch was made.
    private mutating func passTurns() {
        clients = clients.filter { !served.contains($0.name) } + clients.filter { served.contains($0.name) }
        served = []
    }

    /// What each gets of a number of places, one after the other until nobody wants more or none are left.
    private static func shares(_ wanted: [Int], of places: Int) -> [Int] {
        var (shares, left) = (wanted.map { _ in 0 }, places)
        var wanting = wanted.indices.filter { wanted[$0] > 0 }
        while left > 0, !wanting.isEmpty {
            for index in wanting.prefix(left) { shares[index] += 1 }
            left -= min(left, wanting.count)
            wanting.removeAll { shares[$0] == wanted[$0] }
        }
        return shares
    }

    // MARK: Looking ahead

    /// The batches to come, if nothing is added or removed.
    package func schedule(_ most: Int) -> [Batch] {
        var (copy, batches) = (self, [Batch]())
        while let batch = copy.take(most) { batches.append(batch) }
        return batches
    }
}
