import Foundation
import Synchronization

/// Ctrl-C (SIGINT), or a launcher's SIGTERM, as a wish: the program notices it between two steps, cleans up and leaves. A
/// second Ctrl-C ends it at once; launchers may say SIGTERM twice.
enum Interrupt {
    private static let signals = [SIGINT, SIGTERM]
    private static let raised = Atomic<Int32>(0)

    /// Whether one has come.
    static var isRaised: Bool { raised.load(ordering: .relaxed) != 0 }

    /// The exit status for it: 130 for Ctrl-C, as shells have it.
    static var status: Int32 { 128 + max(SIGINT, raised.load(ordering: .relaxed)) }

    static func install() {
        _ = isRaised  // The handler must not be the one to initialise it.
        // A parent that starts programs from a worker thread may hand down a mask that blocks the signals.
        var wanted = sigset_t()
        sigemptyset(&wanted)
        for number in signals {
            signal(number) { number in
                Interrupt.raised.store(number, ordering: .relaxed)
                if number == SIGINT { signal(number, SIG_DFL) }
            }
            sigaddset(&wanted, number)
        }
        pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
    }

    /// - Throws: ``CommandError/interrupted`` where it has been.
    static func check() throws {
        if isRaised { throw CommandError.interrupted }
    }
}
