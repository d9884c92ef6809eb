import ECARReports

// How a report's parts are called, as plain text.

extension EvaluationReport {
    var isSweep: Bool { runs.count > 1 }

    /// The run that is nearest to the real pictures, by the first distance, or best by the first score where there is none.
    var bestRun: Int? {
        let metrics = runs.first?.scores.map(\.metric) ?? []
        // A classifier's accuracy above that of the real pictures is no merit.
        guard let metric = metrics.first(where: { !$0.isHigherBetter }) ?? metrics.first else { return nil }
        return bestRuns(metric).first
    }

    /// The scores that runs have, in their order.
    var metrics: [Metric] {
        runs.flatMap(\.scores).map(\.metric).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// The runs that no other surpasses.
    func bestRuns(_ metric: Metric) -> [Int] {
        let values = runs.map { $0.score(metric)?.value ?? .nan }
        let known = values.filter(\.isFinite)
        guard let best = metric.isHigherBetter ? known.max() : known.min() else { return [] }
        return values.indices.filter { values[$0] == best }
    }

    /// A column's format.
    func format(_ metric: Metric) -> ScoreFormat { ScoreFormat(metric, runs.compactMap { $0.score(metric) }) }
}

extension EvaluationReport.Run {
    func score(_ metric: Metric) -> EvaluationReport.Score? { scores.first { $0.metric == metric } }

    /// "50 steps, guidance 1.5", which lines end within only after the comma; or, outside a sweep, the samples' name.
    var title: String {
        let steps = point?.steps.map { "\($0)\u{A0}steps" }
        let guidance = point?.guidance.map { "guidance\u{A0}\(ReportText.setting($0))" }
        let parts = [steps, guidance].compactMap { $0 }
        return parts.isEmpty ? samples.name : parts.joined(separator: ", ")
    }
}

extension EvaluationReport.Model {
    private static func stages<Value: Equatable>(_ values: [Value], text: (Value) -> String) -> String {
        let isOne = values.allSatisfy { $0 == values.first }
        return (isOne ? Array(values.prefix(1)) : values).map(text).joined(separator: "/")
    }

    /// "24 steps a stage", "10/20/40 steps"
    var stepsText: String {
        let text = Self.stages(steps) { String($0) } + " steps"
        return steps.count > 1 && !text.contains("/") ? text + " a stage" : text
    }

    /// "1.5", "1.5/1.25/1"
    var guidanceText: String { Self.stages(guidance, text: ReportText.setting) }

    var classesText: String {
        switch classes {
        case .balanced: "balanced classes"
        case .uniform: "random classes"
        }
    }
}

extension EvaluationReport.PictureSet {
    /// "32×32", where known.
    var size: String? {
        guard let width, let height else { return nil }
        return "\(width)×\(height)"
    }

    /// "10,000 pictures", where known.
    var countText: String? { count.map { "\(ReportText.count($0)) \($0 == 1 ? "picture" : "pictures")" } }
}
