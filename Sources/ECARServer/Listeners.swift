/// Who watches which job: one that everybody has stopped watching is cancelled after a while, one that nobody ever watched
/// is not, for there are clients that ask now and then instead.
actor Listeners {
    private let studio: Studio
    private let patience: Duration
    private var watched: [JobID: Int] = [:]
    /// Counts the partings, so that the wait after one is not cut short by that after an earlier one.
    private var partings: [JobID: Int] = [:]

    /// - Parameter patience: How long a job goes on unwatched, for a page is reloaded and a connection breaks.
    init(_ studio: Studio, patience: Duration) {
        (self.studio, self.patience) = (studio, patience)
    }

    func enter(_ id: JobID) { watched[id, default: 0] += 1 }

    /// - Parameter isOver: Whether the job has come to its end.
    func leave(_ id: JobID, isOver: Bool) {
        let left = (watched[id] ?? 1) - 1
        watched[id] = left > 0 ? left : nil
        if isOver { partings[id] = nil }
        guard left <= 0, !isOver else { return }
        let parting = (partings[id] ?? 0) + 1
        partings[id] = parting
        Task {
            try? await Task.sleep(for: patience)
            await cancel(id, after: parting)
        }
    }

    private func cancel(_ id: JobID, after parting: Int) async {
        guard partings[id] == parting, watched[id] == nil else { return }
        partings[id] = nil
        try? await studio.cancel(id, reason: "nobody was watching any more")
    }
}
