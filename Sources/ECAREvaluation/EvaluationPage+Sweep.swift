import ECARImages
import ECARReports

/// What is swept, and what comes of it.
extension EvaluationPage {
    var sweep: String {
        guard report.isSweep else { return "" }
        let parts = [charts, table, strips].filter { !$0.isEmpty }.joined(separator: "\n")
        let lead = "Every run; the best of each column is marked, and lines up and down are standard errors."
        return section("All runs", isOfShownRun: false, lead, parts)
    }

    // MARK: Charts

    /// Each score by the number of steps, a curve for each guidance scale; by guidance, where steps are not swept.
    private var charts: String {
        let steps = Set(report.runs.compactMap { $0.point?.steps.map { Double($0) } }).sorted()
        let guidance = Set(report.runs.compactMap { $0.point?.guidance }).sorted()
        let isBySteps = steps.count > 1
        let values = isBySteps ? steps : guidance
        guard values.count > 1 else { return "" }
        let curves: [Double?] = isBySteps && !guidance.isEmpty ? guidance : [nil]
        let axis = ReportAxis.through(isBySteps ? "steps" : "guidance", values)
        let charts = report.metrics.map { metric in
            let scale = metric.isPercentage ? 100.0 : 1
            let scores = curves.map { curve in
                values.map { score(metric, isBySteps ? $0 : nil, isBySteps ? curve : $0) }
            }
            let series = zip(curves, scores).map { curve, scores in
                LineChart.Series(
                    curve.map { "guidance \(ReportText.setting($0))" } ?? report.runs[0].samples.name,
                    zip(values, scores).map { LineChart.Point($0, $1.map { $0.value * scale } ?? .nan) })
            }
            let title = "\(metric.shortName) \(metric.direction.arrow)"
            return ReportChart(
                LineChart.Panel(yLabel: title, series: series), size: .middle, axis: axis,
                errors: scores.map { $0.map { $0?.error.map { $0 * scale } ?? .nan } }
            ).html()
        }
        return "<div class=\"charts\" \(axis.attributes)>\(charts.joined(separator: "\n"))</div>"
    }

    private func score(
        _ metric: Metric, _ steps: Double?, _ guidance: Double?
    ) -> EvaluationReport.Score? {
        report.runs.first { run in
            (steps == nil || run.point?.steps.map { Double($0) } == steps)
                && (guidance == nil || run.point?.guidance == guidance)
        }?.score(metric)
    }

    // MARK: Table

    private var table: String {
        let columns = report.runColumns
        let best = report.metrics.map { Set(report.bestRuns($0)) }
        let formats = report.metrics.map(report.format)
        func head(_ column: EvaluationReport.RunColumn, _ text: String) -> String {
            "<th\(column.isNumber ? " class=\"number\"" : "")>\(escaped(text))</th>"
        }
        let heads = report.metrics.map {
            "<th class=\"number\" title=\"\($0.name(report.network.kind)): \($0.direction.text)\">"
                + "\($0.shortName) \($0.direction.arrow)</th>"
        }
        let names = columns.map { head($0, $0.name) }
        let rows = report.runs.enumerated().map { index, run in
            let scores = zip(formats, best).map { format, best in
                cell(run.score(format.metric), format, isBest: best.contains(index))
            }
            return "<tr>\((columns.map { head($0, $0.value(run)) } + scores).joined())</tr>"
        }
        return """
            <div class="wide card"><table class="scores"><thead><tr>\(names.joined())\(heads.joined())</tr></thead><tbody>
            \(rows.joined(separator: "\n"))
            </tbody></table></div>
            """
    }

    private func cell(_ score: EvaluationReport.Score?, _ format: ScoreFormat, isBest: Bool) -> String {
        guard let score else { return "<td class=\"number\">–</td>" }
        let error = score.error.map { " <small>± \(format.text($0))</small>" } ?? ""
        return "<td class=\"number\(isBest ? " best" : "")\">\(format.text(score.value))\(error)</td>"
    }

    // MARK: Pictures

    private static let mostStrips = 24
    private static let longestStrip = 10

    /// A few samples of every run: what the eye makes of the sweep.
    private var strips: String {
        let rows = zip(report.runs, pictures).prefix(Self.mostStrips).compactMap { run, pictures -> String? in
            let one = pictures.classes.count == 1 ? pictures.classes[0].samples[...] : []
            let samples = one.isEmpty ? pictures.classes.compactMap(\.samples.first)[...] : one
            guard !samples.isEmpty else { return nil }
            let images = samples.prefix(Self.longestStrip).map { $0.html("a sample at \(run.title)") }
            return sheet(run.title, images)
        }
        return rows.isEmpty ? "" : "<div class=\"card strips\">\(rows.joined(separator: "\n"))</div>"
    }
}
