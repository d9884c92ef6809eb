import ECAREvaluation
import ECARImages
import Foundation
import Testing

typealias Report = EvaluationReport

/// Parts of a report with invented numbers.
enum ReportSample {
    static let digest = String(repeating: "0123456789abcdef", count: 4)

    static func pictures(_ name: String, _ kind: Report.PictureSet.Kind = .pictures) -> Report.PictureSet {
        Report.PictureSet(
            kind: kind, name: name, path: "data/\(name)", count: 1000, width: 28, height: 32, digest: digest,
            isLabelled: true)
    }

    static func run(
        _ scores: [Report.Score], steps: Int? = nil, guidance: Double? = nil, classes: [Report.ClassResult] = [],
        neighbours: Report.Neighbours? = nil
    ) -> Report.Run {
        Report.Run(
            samples: pictures("tiny", .model),
            model: Report.Model(
                digest: digest, steps: [5, 10, 20], guidance: [1.5, 1.5, 1.5], solver: "euler", precision: "bf16",
                seed: 7, classes: .balanced, secondsPerPicture: 0.125),
            point: steps == nil && guidance == nil ? nil : Report.Point(steps: steps, guidance: guidance),
            scores: scores, classes: classes, neighbours: neighbours)
    }

    static func report(
        _ runs: [Report.Run], network: Report.Network.Kind = .classifier, notes: [String] = []
    ) -> Report {
        Report(
            version: "1.2.3", date: Date(timeIntervalSince1970: 86_400), command: "ecar evaluate --count 1000",
            seconds: 75,
            machine: .init(device: "cpu", precision: "f32", threads: 2),
            network: .init(kind: network, name: "judge", digest: digest, features: 64, accuracy: 0.934),
            reference: pictures("real"), runs: runs, notes: notes)
    }

    static func classes(_ count: Int) -> [Report.ClassResult] {
        (0..<count).map {
            Report.ClassResult(
                name: "class \($0 + 100)", count: 100, accuracy: Double($0) / Double(count), realAccuracy: 0.9,
                mistake: .init(name: "other \($0)", share: 0.05))
        }
    }

    static func neighbours(_ count: Int = 2) throws -> Report.Neighbours {
        let samples = (0..<count).map {
            Report.Neighbours.Sample(
                index: $0, label: "class \($0)",
                nearest: [.init(index: 4, distance: 1.5), .init(index: 9, distance: 40)])
        }
        let distances = (0...100).map { Double($0) }
        return try #require(
            Report.Neighbours(
                in: "training pictures", samples: samples, toReal: distances.map { $0 / 2 }, amongReal: distances))
    }

    static func noise(_ seed: UInt64, side: Int) throws -> Image {
        var random = SplitMix64(seed: seed)
        let pixels = (0..<side * side * 3).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        return try Image(width: side, height: side, channels: 3, pixels: pixels)
    }

    static func grid() -> [Report.Run] {
        let distances = [[9.5, 8, 12], [4, 3, 5]]
        return [10, 50].enumerated().flatMap { row, steps in
            [1, 1.25, 2].enumerated().map { column, guidance in
                run(
                    [
                        .init(.accuracy, [0.5, 0.75, 0.75][column], error: 0.01),
                        .init(.frechet, distances[row][column], error: 0.25),
                    ], steps: steps, guidance: guidance)
            }
        }
    }
}
