import ECAR
import ECARImages
import Files
import Foundation

/// A line of the log.
public struct LogEntry: Codable, Sendable, Equatable {
    public var step: Int
    /// l_s, unweighted.
    public var losses: [Double]
    /// w_s.
    public var weights: [Double]
    /// The gradients' joint norm before clipping.
    public var gradientNorm: Double
    public var learningRate: Double
    /// Time since the run began, pauses left out.
    public var seconds: Double

    /// Whether any stage's loss counts for more or less than its value.
    var isWeighted: Bool { weights.contains { $0 != 1 } }
}

/// `log.jsonl`: one line of JSON every few steps.
final class TrainingLog {
    private let url: URL
    private let file: FileHandle
    private(set) var entries: [LogEntry]

    /// Opens the log; lines after `step`, from a process that was killed before its next checkpoint, are taken out.
    ///
    /// - Throws: `ECARError` where it cannot be read, or a line other than the last is damaged.
    init(_ url: URL, upTo step: Int) throws {
        self.url = url
        entries = try Self.read(url).filter { $0.step <= step }
        try writeAtomically(try entries.map(Self.line).reduce(into: Data(), +=), to: url)
        file = try FileHandle(forWritingTo: url)
        try file.seekToEnd()
    }

    /// What there is so far; the last line may be half a one.
    private static func read(_ url: URL) throws -> [LogEntry] {
        guard FileManager.default.fileExists(atPath: url.path) else { return [] }
        guard let data = try? Data(contentsOf: url) else { throw ECARError("\(url.path): cannot be read") }
        let lines = data.split(separator: UInt8(ascii: "\n"))
        return try lines.indices.compactMap { index in
            if let entry = try? JSONDecoder().decode(LogEntry.self, from: lines[index]) { return entry }
            guard index == lines.count - 1 else {
                throw ECARError("\(url.path): line \(index + 1) is damaged; mend it or take it out")
            }
            return nil
        }
    }

    deinit { try? file.close() }

    func append(_ entry: LogEntry) throws {
        do {
            try file.write(contentsOf: Self.line(entry))
        } catch {
            throw ECARError("\(url.path): cannot be written (\(error.localizedDescription))")
        }
        entries.append(entry)
    }

    private static func line(_ entry: LogEntry) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return try encoder.encode(entry) + Data("\n".utf8)
    }

    /// The stages' losses above, their weights, where they ever differ from 1, below.
    func chart(title: String) -> LineChart {
        let stages = entries.first?.losses.count ?? 0
        func series(_ values: KeyPath<LogEntry, [Double]>, smoothing: Double) -> [LineChart.Series] {
            (0..<stages).map { stage in
                let points = entries.filter { $0[keyPath: values].count > stage }.map {
                    LineChart.Point(Double($0.step), $0[keyPath: values][stage])
                }
                return LineChart.Series("stage \(stage + 1)", points, smoothing: smoothing)
            }
        }
        var panels = [LineChart.Panel(yLabel: "loss", series: series(\.losses, smoothing: 0.95), logY: true)]
        if entries.contains(where: \.isWeighted) {
            panels.append(.init(yLabel: "weight of the loss", series: series(\.weights, smoothing: 0)))
        }
        return LineChart(title: title, xLabel: "step", panels: panels)
    }
}
