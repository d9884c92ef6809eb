import ECARReports

/// What the scores rest on: enough to measure them again.
extension EvaluationPage {
    private typealias Row = (name: String, value: String)

    var footer: String {
        let runs = report.isSweep ? "" : (report.runs.first.map { group("Samples", rows($0)) } ?? "")
        return """
            <footer>
            <h2>How it was measured</h2>
            <div class="card wide"><table class="settings"><tbody>
            \(group("Network", networkRows))
            \(report.reference.map { group("Reference", rows($0)) } ?? "")
            \(runs)
            \(group("Program", programRows))
            </tbody></table></div>
            \(report.isSweep ? "<details><summary>The samples of every run</summary>\(allRuns)</details>" : "")
            </footer>
            """
    }

    /// Values are markup.
    private func group(_ title: String, _ rows: [Row]) -> String {
        let rows = rows.map { "<tr><td>\($0.name)</td><td>\($0.value)</td></tr>" }
        return "<tr><th colspan=\"2\" scope=\"rowgroup\">\(title)</th></tr>\n" + rows.joined(separator: "\n")
    }

    private func code(_ text: String) -> String { "<code>\(escaped(text))</code>" }

    private var networkRows: [Row] {
        let network = report.network
        return [
            ("name", escaped(network.name)),
            (
                "kind",
                network.kind == .inception ? "Inception v3 of the FID papers" : "classifier; its scores are not FID"
            ),
            network.resize.map { ("resize", escaped($0)) },
            ("features", ReportText.count(network.features)),
            network.accuracy.map { ("accuracy on real test pictures", ReportText.percent($0)) },
            ("weights, SHA-256", code(network.digest)),
        ].compactMap { $0 }
    }

    private func rows(_ set: EvaluationReport.PictureSet) -> [Row] {
        [
            ("name", escaped(set.name)),
            ("path", code(set.path)),
            (
                set.kind == .statistics && set.count != nil ? "pictures beside them" : "count",
                [set.countText ?? "not known", set.size.map { "\($0) pixels" }].compactMap { $0 }.joined(
                    separator: ", ")
            ),
            set.kind == .statistics ? nil : ("classes", set.isLabelled ? "known" : "not known"),
            (set.kind == .statistics ? "file, SHA-256" : "pixels, SHA-256", code(set.digest)),
        ].compactMap { $0 }
    }

    private func rows(_ run: EvaluationReport.Run) -> [Row] {
        guard let model = run.model else { return rows(run.samples) }
        return rows(run.samples)
            + [
                (
                    "sampling",
                    escaped(
                        "\(model.stepsText), guidance \(model.guidanceText), \(model.solver)"
                            + (model.timeShift.map { ", time shift \(ReportText.setting($0))" } ?? "")
                            + (model.parallelGuidance.map { ", parallel guidance \(ReportText.setting($0))" } ?? "")
                            + ", \(model.precision)")
                ),
                ("seeds", "from \(model.seed); \(model.classesText)"),
                model.secondsPerPicture.map { ("time", "\(ReportText.number($0)) s a picture") },
                ("model, SHA-256", code(model.digest)),
            ].compactMap { $0 }
    }

    private var programRows: [Row] {
        let machine = report.machine
        return [
            ("version", escaped(report.version)),
            ("command", code(report.command)),
            ("machine", escaped("\(machine.device), \(machine.precision), \(machine.threads) threads")),
            ("time", ReportText.duration(report.seconds)),
        ]
    }

    private var allRuns: String {
        let groups = report.runs.map { group(escaped($0.title), rows($0)) }
        return
            "<div class=\"card wide\"><table class=\"settings\"><tbody>\(groups.joined(separator: "\n"))</tbody></table></div>"
    }
}
