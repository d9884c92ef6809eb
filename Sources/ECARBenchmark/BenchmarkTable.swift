import ECARReports
import Foundation

/// Rows of text in aligned columns, as Markdown has them: to be read in a terminal as well as on a page.
public struct BenchmarkTable: Sendable, Equatable {
    public struct Column: Sendable, Equatable {
        let name: String
        let isNumber: Bool

        init(_ name: String, isNumber: Bool = true) { (self.name, self.isNumber) = (name, isNumber) }
    }

    private let columns: [Column]
    private let rows: [[String]]

    init(_ columns: [Column], _ rows: [[String]]) { (self.columns, self.rows) = (columns, rows) }

    public var text: String {
        let widths = columns.indices.map { column in
            ([columns[column].name] + rows.map { $0[column] }).map(\.count).max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            let padded = cells.indices.map { column in
                let space = String(repeating: " ", count: max(0, widths[column] - cells[column].count))
                return columns[column].isNumber ? space + cells[column] : cells[column] + space
            }
            return "| " + padded.joined(separator: " | ") + " |\n"
        }
        let rule = zip(columns, widths).map { column, width in
            column.isNumber ? String(repeating: "-", count: width + 1) + ":" : String(repeating: "-", count: width + 2)
        }
        return line(columns.map(\.name)) + "|" + rule.joined(separator: "|") + "|\n" + rows.map(line).joined()
    }

    // MARK: Numbers

    /// Three digits and a unit: "2.92 T".
    static func short(_ value: Double) -> String {
        for (unit, size) in [("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)] where value >= size {
            return digits(value / size) + " " + unit
        }
        return digits(value)
    }

    /// Three digits: "0.0312", "1.23", "12.3", "123".
    static func digits(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        let size = abs(value)
        if size == 0 { return "0" }
        let decimals = max(0, min(6, 2 - Int(log10(size * 1.0005).rounded(.down))))
        return String(format: "%.\(decimals)f", value)
    }

    static func gigabytes(_ bytes: Int?) -> String { bytes.map { digits(Double($0) / 1e9) + " GB" } ?? "–" }
}

extension BenchmarkReport {
    /// A row for each case; speed is relative to the slowest.
    public var table: BenchmarkTable {
        let slowest = results.map(\.imagesPerSecond).min() ?? 1
        let rows = results.map { result in
            let spread = result.secondsAll.count > 1 ? Spread(result.secondsAll) : nil
            return [
                ReportText.printable(result.model), result.precision.rawValue, "\(result.batch)", "\(result.steps)",
                BenchmarkTable.short(Double(result.parameters)), BenchmarkTable.short(result.macs),
                BenchmarkTable.digits(result.seconds),
                spread.map { BenchmarkTable.digits($0.lowest) + "–" + BenchmarkTable.digits($0.highest) } ?? "–",
                BenchmarkTable.digits(result.imagesPerSecond), String(format: "%.0f", result.gflops),
                result.peakShare.value.map { String(format: "%.0f %%", $0 * 100) } ?? "–",
                BenchmarkTable.gigabytes(result.peakMemoryBytes.value),
                BenchmarkTable.gigabytes(result.loadMemoryBytes.value),
                BenchmarkTable.digits(result.imagesPerSecond / slowest) + " ×",
            ]
        }
        return BenchmarkTable(
            [
                .init("model", isNumber: false), .init("precision", isNumber: false), .init("batch"), .init("steps"),
                .init("parameters"), .init("MACs"), .init("seconds"), .init("range"), .init("images/s"),
                .init("GFLOP/s"), .init("of peak"), .init("memory"), .init("to load"), .init("speed"),
            ], rows)
    }

    /// What the stages of each case took, where there are several.
    private var stageRemarks: [String] {
        results.filter { $0.stages.count > 1 }.map { result in
            let seconds = result.stages.map { BenchmarkTable.digits($0.seconds) }.joined(separator: ", ")
            return "\(ReportText.printable(result.name)): stages \(seconds) s."
        }
    }

    /// What stands below the table: the stages, where, how, and what was measured against.
    public var remarks: [String] {
        let peaks = [("f32", machine.peak.f32), ("bf16", machine.peak.bf16), ("int8", machine.peak.int8)]
        let known = peaks.map { name, peak in
            guard let value = peak.value else { return "\(name) none" }
            let instruction = machine.peak.instructions[name].map { " (\($0))" } ?? ""
            return "\(name) \(String(format: "%.0f", value))\(instruction)"
        }
        let times = rounds == 1 ? "Timed once" : "Medians of \(rounds) rounds, in turns"
        let guided = results.contains(where: \.guided) ? "with guidance" : "without guidance"
        return stageRemarks + [
            "\(times), after a step of every kind; \(guided), from noise to latents. MACs are those of one image.",
            "Machine: \(machine.summary).",
            "Peak in registers, GFLOP/s: \(known.joined(separator: ", ")).",
        ] + (scaling == nil ? [] : [Scaling.remark]) + notes + ["Command: \(command)  (\(version))"]
    }
}
