import ECAR
import ECARServer
import Synchronization
import TorchNN

/// Holds steps back until the test lets them through, and lets the test wait until they are asked for.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var allowed = 0
        var orders: [BatchOrder] = []
        var steps: [[Int]] = []
        var waiting: [CheckedContinuation<Void, Never>] = []
        var watchers: [(isMet: @Sendable (State) -> Bool, end: AsyncStream<Never>.Continuation)] = []
    }

    private let state = Mutex(State())

    /// Whether every step goes through.
    var isOpen: Bool {
        get { state.withLock { $0.isOpen } }
        set {
            state.withLock { $0.isOpen = newValue }
            release()
        }
    }

    /// The batches begun so far, and the places of every step that was asked for.
    var orders: [BatchOrder] { state.withLock { $0.orders } }
    var steps: [[Int]] { state.withLock { $0.steps } }

    /// Lets so many more steps through.
    func allow(_ steps: Int) {
        state.withLock { $0.allowed += steps }
        release()
    }

    /// Waits until so many batches have begun.
    func begun(_ count: Int) async { await wait { $0.orders.count >= count } }

    /// Waits until so many steps have been asked for.
    func asked(_ count: Int) async { await wait { $0.steps.count >= count } }

    // MARK: The studio's side

    func begin(_ order: BatchOrder) {
        state.withLock { $0.orders.append(order) }
        tell()
    }

    func pass(_ places: [Int]) async {
        state.withLock { $0.steps.append(places) }
        tell()
        await withCheckedContinuation { continuation in
            state.withLock { $0.waiting.append(continuation) }
            release()
        }
    }

    private func release() {
        let released = state.withLock { state in
            let count = state.isOpen ? state.waiting.count : min(state.allowed, state.waiting.count)
            if !state.isOpen { state.allowed -= count }
            defer { state.waiting.removeFirst(count) }
            return state.waiting.prefix(count)
        }
        for continuation in released { continuation.resume() }
    }

    /// Waits as a stream without elements does for its end: also where the test is cancelled for taking too long.
    private func wait(_ isMet: @escaping @Sendable (State) -> Bool) async {
        let (stream, end) = AsyncStream.makeStream(of: Never.self)
        state.withLock { $0.watchers.append((isMet, end)) }
        tell()
        for await _ in stream {}
    }

    private func tell() {
        let met = state.withLock { state in
            let now = state
            state.watchers.removeAll { $0.isMet(now) }
            return now.watchers.filter { $0.isMet(now) }
        }
        for watcher in met { watcher.end.finish() }
    }
}

/// A maker whose every step goes through a gate.
struct GatedMaker: PictureMaker {
    let inner: any PictureMaker
    let gate: Gate
    /// Called when a step is taken.
    let didStep: @Sendable () -> Void

    var model: ModelDescription { inner.model }

    func check(_ precision: Precision) throws(StudioError) { try inner.check(precision) }

    func begin(_ order: BatchOrder) async throws -> any PictureBatch {
        gate.begin(order)
        return GatedBatch(inner: try await inner.begin(order), gate: gate, didStep: didStep)
    }
}

private struct GatedBatch: PictureBatch {
    let inner: any PictureBatch
    let gate: Gate
    let didStep: @Sendable () -> Void

    func step(keeping places: [Int]) async throws -> BatchStep {
        await gate.pass(places)
        didStep()
        return try await inner.step(keeping: places)
    }
}
