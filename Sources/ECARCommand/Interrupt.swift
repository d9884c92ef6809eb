import Foundation
import Synchronization

/// Ctrl-C as a wish: the program notices it between two steps, cleans up and leaves. A second one ends it at once.
enum Interrupt {
    private static let raised = Atomic(false)

    /// Whether Ctrl-C has been pressed.
    static var isRaised: Bool { raised.load(ordering: .relaxed) }

    static func install() {
        _ = isRaised  // The handler must not be the one to initialise it.
        signal(SIGINT) { _ in
            Interrupt.raised.store(true, ordering: .relaxed)
            signal(SIGINT, SIG_DFL)
        }
        // A parent that starts programs from a worker thread may hand down a mask that blocks the signal.
        var wanted = sigset_t()
        sigemptyset(&wanted)
        sigaddset(&wanted, SIGINT)
        pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
    }

    /// - Throws: ``CommandError/interrupted`` where it has been.
    static func check() throws {
        if isRaised { throw CommandError.interrupted }
    }
}
