import ArgumentParser
import ECAR
import Foundation

struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a model's parameters, cost, stages and provenance.",
        discussion: """
            The cost is in multiply-accumulates (MACs) of one image: of a model with its own sampling settings, of a \
            preset (\(ModelConfiguration.presets.map(\.name).joined(separator: ", "))) with the paper's 250 steps and \
            guidance.
            """)

    @Option(help: ArgumentHelp("A model's name or folder, or a preset.", valueName: "name|dir"))
    var model = "default"

    @Flag(help: "Print the results as JSON.")
    var json = false

    private struct Report: Encodable {
        let model: String
        let parameters: Int
        let macs: Double
        let stages: [Cost.Stage]
        let architecture: ModelConfiguration
        let sampling: SamplingSettings
        let digest: String?
        let classNames: [String]?
        let training: [String: String]?
    }

    func run() throws {
        let report = try report()
        if json { try Terminal.print(json: report) } else { try show(report) }
    }

    private func report() throws -> Report {
        if let preset = ModelConfiguration.presets.first(where: { $0.name == model }) {
            let sampling = SamplingSettings.paper(stages: preset.configuration.stages)
            return report(preset.configuration, sampling)
        }
        let directory = try ModelDirectory.load(try ModelLocator.model(model))
        return report(
            directory.description.architecture, directory.description.sampling, digest: directory.digest,
            directory.description)
    }

    private func report(
        _ architecture: ModelConfiguration, _ sampling: SamplingSettings, digest: String? = nil,
        _ description: ModelDescription? = nil
    ) -> Report {
        let cost = Cost(architecture, sampling: sampling)
        return Report(
            model: model, parameters: cost.parameters, macs: cost.macs, stages: cost.stages,
            architecture: architecture, sampling: sampling, digest: digest, classNames: description?.classNames,
            training: description?.training)
    }

    // MARK: For people

    private func show(_ report: Report) throws {
        let (a, s) = (report.architecture, report.sampling)
        let heads = report.stages.reduce(0) { $0 + $1.parameters }
        let rows = [
            (
                "parameters",
                Self.short(Double(report.parameters)) + " (transformer "
                    + Self.short(Double(report.parameters - heads)) + ", flow heads \(Self.short(Double(heads))))"
            ),
            ("MACs of an image", Self.short(report.macs)),
            ("transformer", "\(a.arDepth) layers, width \(a.width), \(a.heads) heads"),
            ("classes", "\(a.classes)"),
            (
                "sampling",
                "steps \(Self.list(s.steps)), guidance \(Self.list(s.guidance)), \(s.solver.rawValue)"
                    + (s.timeShift == 1 ? "" : ", time shift \(s.timeShift)")
                    + (s.parallelGuidance == 1 ? "" : ", parallel guidance \(s.parallelGuidance)")
            ),
            ("digest", report.digest ?? ""),
        ]
        try Terminal.print(report.model)
        for (name, value) in rows where !value.isEmpty { try Terminal.print("  " + Self.pad(name, 18) + value) }
        try Terminal.print("")
        try Terminal.print("  stage  side  tokens  blocks  parameters     MACs")
        for (index, stage) in report.stages.enumerated() {
            let cells = [
                (String(index + 1), 5), (String(stage.side), 6), (String(stage.tokens), 8),
                (String(a.flowDepths[index]), 8), (Self.short(Double(stage.parameters)), 12),
                (Self.short(stage.macs), 9),
            ]
            try Terminal.print("  " + cells.map { Self.padLeft($0.0, $0.1) }.joined())
        }
        if let training = report.training, !training.isEmpty {
            try Terminal.print("\n  trained")
            for (key, value) in training.sorted(by: { $0.key < $1.key }) {
                try Terminal.print("    " + Self.pad(key, 16) + value)
            }
        }
    }

    private static func list(_ values: [some CustomStringConvertible]) -> String {
        values.map(\.description).joined(separator: ",")
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    private static func padLeft(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    /// Three digits and a unit: 155.9 M.
    private static func short(_ value: Double) -> String {
        for (unit, size) in [("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)] where value >= size {
            return String(format: "%.2f ", value / size) + unit
        }
        return String(format: "%.0f", value)
    }
}
