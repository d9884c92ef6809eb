import ECARImages
import Files
import Foundation

extension BenchmarkReport {
    /// What ``write(to:)`` writes: the figures, the tables and the plot.
    public var files: [String] { ["json", "md", "png"].map { "\(scaling == nil ? "benchmark" : "scaling").\($0)" } }

    /// Writes the report into a folder that is there; each file appears whole or not at all.
    public func write(to folder: URL) throws {
        let title = scaling == nil ? "Benchmark" : "Larger pictures"
        let remarks = remarks.map { "- \($0)\n" }.joined()
        let plot = try scaling.map { try Scaling.chart($0).render() } ?? chart.render()
        try plot.write(to: folder.appendingPathComponent(files[2]))
        try writeAtomically(
            Data("# \(title)\n\n\(tables)\n\(remarks)".utf8), to: folder.appendingPathComponent(files[1]))
        try writeAtomically(encoded() + Data("\n".utf8), to: folder.appendingPathComponent(files[0]))
    }

    /// The tables, one below the other.
    public var tables: String {
        let scaling = scaling.map { Scaling.table($0).text + "\n" } ?? ""
        return scaling + table.text
    }

    /// Seconds an image, a bar for each case.
    public var chart: BarChart {
        let bars = results.map { result in
            let share = result.peakShare.value.map { String(format: " · %.0f %% of peak", $0 * 100) } ?? ""
            let seconds = result.seconds / Double(result.batch)
            return BarChart.Bar(
                result.name, seconds,
                note: "\(BenchmarkTable.digits(seconds)) s · \(BenchmarkTable.short(result.macs)) MACs\(share)",
                group: result.model)
        }
        return BarChart(title: "Seconds an image", subtitle: machine.summary, bars: bars)
    }
}
