import Foundation
import Synchronization

/// Ctrl-C (SIGINT), or a launcher's SIGTERM, as a wish: the program notices it between two steps, cleans up and leaves. A
/// second Ctrl-C ends it at once; launchers may say SIGTERM twice.
///
/// A thread of its own waits for them, and all others block them: a signal that interrupts one of the matrix products that
/// oneDNN generates damages memory (libtorch 2.11.0 on Linux; a timer in plain PyTorch does it, too).
enum Interrupt {
    private static let signals = [SIGINT, SIGTERM]
    private static let raised = Atomic<Int32>(0)

    /// Whether one has come.
    static var isRaised: Bool { raised.load(ordering: .relaxed) != 0 }

    /// The exit status for it: 130 for Ctrl-C, as shells have it.
    static var status: Int32 { 128 + max(SIGINT, raised.load(ordering: .relaxed)) }

    /// To be called before other threads start, which then block the signals as well.
    static func install() {
        _ = isRaised  // The handler must not be the one to initialise it.
        // For threads that are there already.
        for number in signals { signal(number) { Interrupt.note($0) } }
        var waitedFor = set()
        pthread_sigmask(SIG_BLOCK, &waitedFor, nil)
        Thread.detachNewThread(watch)
    }

    /// - Throws: ``CommandError/interrupted`` where it has been.
    static func check() throws {
        if isRaised { throw CommandError.interrupted }
    }

    private static func set() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for number in signals { sigaddset(&set, number) }
        return set
    }

    private static func note(_ number: Int32) {
        if number == SIGINT, raised.exchange(number, ordering: .relaxed) == SIGINT {
            signal(number, SIG_DFL)
            var waitedFor = set()
            pthread_sigmask(SIG_UNBLOCK, &waitedFor, nil)
            raise(number)
        }
        raised.store(number, ordering: .relaxed)
    }

    @Sendable private static func watch() {
        var waitedFor = set()
        var number: Int32 = 0
        while sigwait(&waitedFor, &number) == 0 { note(number) }
    }
}
