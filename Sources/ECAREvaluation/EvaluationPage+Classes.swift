import ECARReports
import Foundation

/// How well the classifier knows the samples of each class again.
extension EvaluationPage {
    /// More classes than these are folded.
    private static let mostOpen = 20

    var classes: String {
        guard let classes = shown?.classes, !classes.isEmpty else { return "" }
        let rows = classes.sorted { ($0.accuracy, $0.name) < ($1.accuracy, $1.name) }.map(row)
        let knowsReal = classes.contains { $0.realAccuracy != nil }
        let lead =
            "Share of each class's samples that the classifier takes for that class, worst first."
            + (knowsReal ? " The mark is its share of the real pictures." : "")
        let open = list(rows.prefix(Self.mostOpen))
        let rest = rows.dropFirst(Self.mostOpen)
        let folded =
            rest.isEmpty ? "" : "<details><summary>\(rest.count) more classes</summary>\n\(list(rest))</details>"
        return section("Accuracy by class", lead, "<div class=\"card\">\(open)\(folded)</div>")
    }

    private func list(_ rows: ArraySlice<String>) -> String {
        "<ul class=\"classes\">\(rows.joined(separator: "\n"))</ul>"
    }

    private func row(_ result: EvaluationReport.ClassResult) -> String {
        let real = result.realAccuracy.map { "<i class=\"mark\" style=\"left:\(width($0))\"></i>" } ?? ""
        let mistake = result.mistake.map { "\(ReportText.percent($0.share)) taken for \(escaped($0.name))" } ?? ""
        let title =
            "\(ReportText.count(result.count)) samples"
            + (result.realAccuracy.map { "; real pictures \(ReportText.percent($0))" } ?? "")
        return """
            <li title="\(title)"><span class="name">\(escaped(result.name))</span>\
            <span class="track"><i style="width:\(width(result.accuracy))"></i>\(real)</span>\
            <span class="number">\(ReportText.percent(result.accuracy))</span><span class="mistake">\(mistake)</span></li>
            """
    }

    private func width(_ share: Double) -> String { String(format: "%.2f%%", min(max(share, 0), 1) * 100) }
}
