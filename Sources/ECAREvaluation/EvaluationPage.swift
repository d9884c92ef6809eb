import ECARReports
import Foundation

extension EvaluationReport {
    /// The report as one page that needs no other file, no network and, to be read, no script.
    ///
    /// - Parameter pictures: Of the runs, in their order; may be fewer.
    public func html(pictures: [EvaluationPictures] = []) -> String { EvaluationPage(self, pictures).html() }
}

/// An evaluation's page: what was compared, the scores, and what they rest on.
struct EvaluationPage {
    let report: EvaluationReport
    /// Of each run.
    let pictures: [EvaluationPictures]
    /// The run that is shown in full.
    let shown: EvaluationReport.Run?
    let shownPictures: EvaluationPictures?

    init(_ report: EvaluationReport, _ pictures: [EvaluationPictures]) {
        (self.report, self.pictures) = (report, pictures)
        let best = report.bestRun ?? 0
        shown = report.runs.indices.contains(best) ? report.runs[best] : nil
        shownPictures = pictures.indices.contains(best) ? pictures[best] : nil
    }

    func html() -> String {
        let page = ReportPage(title: "Evaluation · \(subject)", style: Self.style)
        let parts = [header, notes, tiles, sweep, samples, classes, neighbours, footer]
        return page.html(parts.filter { !$0.isEmpty }.joined(separator: "\n"))
    }

    /// A part of the page with its heading and, where it is of one run of several, that run's name.
    func section(_ title: String, isOfShownRun: Bool = true, _ lead: String, _ content: String) -> String {
        let run = isOfShownRun && report.isSweep ? " <small>\(escaped(shown?.title ?? ""))</small>" : ""
        return "<section>\n<h2>\(title)\(run)</h2>\n<p class=\"lead\">\(lead)</p>\n\(content)\n</section>"
    }

    func escaped(_ text: String) -> String { ReportText.escaped(text) }

    // MARK: Header

    private var subject: String { report.runs.first?.samples.name ?? "nothing" }

    private var header: String {
        let iso = report.date.formatted(.iso8601)
        let time = iso.prefix(16).replacing("T", with: " ") + " UTC"
        return """
            <header>
            <div class="title"><h1>\(escaped(subject))</h1><span class="written">evaluated \
            <time datetime="\(iso)">\(time)</time>, in \(ReportText.duration(report.seconds))</span></div>
            <p class="about">\(sentence)</p>
            </header>
            """
    }

    /// What was compared with what, in which features.
    private var sentence: String {
        guard let run = report.runs.first else { return "Nothing was evaluated." }
        let network = report.network
        let kind = network.kind == .classifier ? "the classifier " : ""
        return """
            \(describe(run)), \(report.reference.map { "compared with \(describe($0)), " } ?? "")in the features of \(kind)\
            <b>\(escaped(network.name))</b>.
            """
    }

    private func describe(_ run: EvaluationReport.Run) -> String {
        let name = "<b>\(escaped(run.samples.name))</b>"
        let size = run.samples.size.map { " of \($0) pixels" } ?? ""
        let count = run.samples.countText.map { $0 + size }
        guard let model = run.model else {
            let others = report.isSweep ? " and \(report.runs.count - 1) more" : ""
            return "\(count ?? "Pictures") from \(name)\(others)"
        }
        if report.isSweep {
            let each = [count.map { "\($0) at each" }, model.classesText].compactMap { $0 }.joined(separator: ", ")
            return "Pictures drawn with \(name) at \(report.runs.count) points (\(each))"
        }
        let how = "\(model.stepsText), guidance \(model.guidanceText), \(model.classesText)"
        return "\(count ?? "Pictures") drawn with \(name) (\(how))"
    }

    private func describe(_ set: EvaluationReport.PictureSet) -> String {
        let name = "<b>\(escaped(set.name))</b>"
        switch set.kind {
        case .pictures: return (set.countText.map { $0 + " of " } ?? "") + name
        case .model: return (set.countText ?? "pictures") + " drawn with " + name
        case .statistics: return "the statistics " + name + (set.countText.map { ", and its \($0)" } ?? "")
        }
    }

    private var notes: String {
        guard !report.notes.isEmpty else { return "" }
        let items = report.notes.map { "<li>\(escaped($0))</li>" }.joined(separator: "\n")
        return "<aside class=\"notes card\"><h2>Read these scores with care</h2>\n<ul>\(items)</ul></aside>"
    }

    // MARK: Scores

    private static let mostColumns = 5

    /// Of several runs, the best of each score.
    private var tiles: String {
        let tiles = report.metrics.compactMap { metric -> String? in
            let best = report.bestRuns(metric).first ?? 0
            guard report.runs.indices.contains(best), let score = report.runs[best].score(metric) else { return nil }
            return tile(score, of: report.runs[best])
        }
        guard !tiles.isEmpty else { return "" }
        let heading = report.isSweep ? "<h2>Best of all runs</h2>\n" : ""
        return """
            <section>
            \(heading)<div class="tiles" style="--columns:\(Self.columns(tiles.count))">\(tiles.joined(separator: "\n"))</div>
            </section>
            """
    }

    /// Rows as even as can be.
    private static func columns(_ count: Int) -> Int {
        let rows = (count + mostColumns - 1) / mostColumns
        return (count + rows - 1) / rows
    }

    private func tile(_ score: EvaluationReport.Score, of run: EvaluationReport.Run) -> String {
        let metric = score.metric
        let format = ScoreFormat(metric, [score])
        let (arrow, direction) = metric.direction
        let real = metric == .accuracy ? report.network.accuracy.map { "real pictures \(format.text($0)) %" } : nil
        let place = run.point == nil ? run.title : "at \(run.title)"
        let facts = [report.isSweep ? place : nil, score.method, real].compactMap { $0 }
        return """
            <div class="tile card">
            <h3>\(metric.title)\(metric.place(report.network.kind).map { " <small>\($0)</small>" } ?? "")</h3>
            <p class="value">\(format.text(score.value))\(format.unit.map { " <small>\($0)</small>" } ?? "")</p>
            <p class="direction">\(score.error.map { "<span>± \(format.text($0))</span>" } ?? "")\(arrow) \(direction)</p>
            <p>\(metric.meaning)</p>
            <p class="facts">\(facts.map(escaped).joined(separator: "<br/>"))</p>
            </div>
            """
    }
}
