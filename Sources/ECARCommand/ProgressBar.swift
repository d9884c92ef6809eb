import Foundation

/// How far the program is, on standard error: one line that is redrawn on a terminal, a line now and then elsewhere.
final class ProgressBar {
    private static let redrawInterval = Duration.milliseconds(100)
    private static let lineInterval = Duration.seconds(10)
    private static let width = 24

    private let label: String
    private let total: Int
    private let first: Int
    private let unit: String
    private let isQuiet: Bool
    private let isTerminal = Terminal.errorIsTerminal
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var shown: ContinuousClock.Instant?

    /// - Parameters:
    ///   - total: Units of work in all.
    ///   - first: Units that were done before, and say nothing about the rate.
    ///   - unit: What is counted, in the plural.
    init(_ label: String, total: Int, first: Int = 0, unit: String, isQuiet: Bool) {
        (self.label, self.total, self.first, self.unit, self.isQuiet) = (label, total, first, unit, isQuiet)
        start = clock.now
    }

    /// Runs `body`, which says how much of its work is done and wanted, and may add a note.
    static func during<Value>(
        _ label: String, unit: String, isQuiet: Bool, _ body: (@escaping (Int, Int, String) -> Void) throws -> Value
    ) rethrows -> Value {
        var bar: ProgressBar?
        defer { bar?.finish() }
        return try body { done, total, note in
            let shown = bar ?? ProgressBar(label, total: total, first: done, unit: unit, isQuiet: isQuiet)
            bar = shown
            shown.update(done, note: note)
        }
    }

    /// Shows that so many units are done, if it is time to.
    func update(_ done: Int, note: String = "") {
        guard !isQuiet else { return }
        let now = clock.now
        let interval = isTerminal ? Self.redrawInterval : Self.lineInterval
        if let shown, done < total, shown.duration(to: now) < interval { return }
        shown = now
        let text = line(done, elapsed: (now - start) / .seconds(1), note: note)
        Terminal.writeError(isTerminal ? "\r\u{1B}[K" + text : text + "\n")
    }

    /// Ends the line.
    func finish() {
        if !isQuiet, isTerminal, shown != nil { Terminal.writeError("\n") }
    }

    private func line(_ done: Int, elapsed: Double, note: String) -> String {
        let fraction = total > 0 ? Double(done) / Double(total) : 1
        let rate = elapsed > 0 ? Double(done - first) / elapsed : 0
        let left = rate > 0 ? Self.time(Double(total - done) / rate) + " left" : ""
        let filled = Int(fraction * Double(Self.width))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
        let parts = [
            "\(label) \(isTerminal ? bar + " " : "")\(done)/\(total) \(unit)",
            rate > 0 ? "\(Self.number(rate))/s" : "", done < total ? left : Self.time(elapsed), note,
        ]
        return parts.filter { !$0.isEmpty }.joined(separator: " · ")
    }

    private static func number(_ value: Double) -> String { String(format: value < 10 ? "%.2f" : "%.0f", value) }

    /// "1:02:03" or "2:03".
    static func time(_ seconds: Double) -> String {
        let all = Int(min(max(seconds, 0), 1e9).rounded())
        let (hours, minutes, rest) = (all / 3600, all / 60 % 60, all % 60)
        return hours > 0
            ? String(format: "%d:%02d:%02d", hours, minutes, rest) : String(format: "%d:%02d", minutes, rest)
    }
}
