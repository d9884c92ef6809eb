import ECARReports

extension EvaluationReport {
    /// The scores as aligned plain text, for a terminal: a row for each, or, in a sweep, for each run.
    public func table() -> String {
        let rows = isSweep ? sweepRows : scoreRows
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].text.count : 0 }.max() ?? 0
        }
        let lines = rows.map { row in
            let cells = zip(row, widths).map { $0.padded(to: $1) }.joined(separator: "  ")
            return String(cells.reversed().drop(while: { $0 == " " }).reversed())
        }
        return (lines + (isSweep ? ["", "* best of its column"] : [])).map { $0 + "\n" }.joined()
    }

    private struct Cell {
        let text: String
        let isNumber: Bool

        init(_ text: String, isNumber: Bool = false) {
            (self.text, self.isNumber) = (ReportText.printable(text), isNumber)
        }

        func padded(to width: Int) -> String {
            let space = String(repeating: " ", count: max(0, width - text.count))
            return isNumber ? space + text : text + space
        }
    }

    private var scoreRows: [[Cell]] {
        (runs.first?.scores ?? []).map { score in
            let format = format(score.metric)
            let (arrow, direction) = score.metric.direction
            return [
                Cell(score.metric.name(network.kind)),
                Cell(format.text(score.value), isNumber: true),
                Cell(
                    [score.error.map { "± " + format.text($0) }, format.unit].compactMap { $0 }.joined(separator: " ")),
                Cell("\(arrow) \(direction)"), Cell(score.method ?? ""),
            ]
        }
    }

    private var sweepRows: [[Cell]] {
        let head =
            runColumns.map { Cell($0.name, isNumber: $0.isNumber) }
            + metrics.map { Cell("\($0.shortName) \($0.direction.arrow) ", isNumber: true) }
        let body = runs.indices.map { index in
            let run = runs[index]
            return runColumns.map { Cell($0.value(run), isNumber: $0.isNumber) }
                + metrics.map { metric in
                    let score = run.score(metric)
                    let mark = bestRuns(metric).contains(index) ? "*" : " "
                    return Cell((score.map(format(metric).full) ?? "–") + mark, isNumber: true)
                }
        }
        return [head] + body
    }

    /// What tells a run from the others.
    struct RunColumn {
        let name: String
        let isNumber: Bool
        let value: (Run) -> String
    }

    /// What is swept; without a sweep, the samples' names.
    var runColumns: [RunColumn] {
        let steps = RunColumn(name: "steps", isNumber: true) { $0.point?.steps.map { String($0) } ?? "–" }
        let guidance = RunColumn(name: "guidance", isNumber: true) {
            $0.point?.guidance.map(ReportText.setting) ?? "–"
        }
        let swept = [
            runs.contains { $0.point?.steps != nil } ? steps : nil,
            runs.contains { $0.point?.guidance != nil } ? guidance : nil,
        ].compactMap { $0 }
        return swept.isEmpty ? [RunColumn(name: "samples", isNumber: false) { $0.samples.name }] : swept
    }
}
