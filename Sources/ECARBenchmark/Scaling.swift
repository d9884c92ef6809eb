import ECAR
import ECARBaselines
import ECARImages
import Foundation

/// How cost grows with the size of the picture: a preset of the method against a transformer of its size that makes the image
/// token by token.
///
/// Both are timed. Two more are counted alone: the same transformer where it computes keys and values of earlier tokens again
/// for every token, and a diffusion transformer.
public struct Scaling: Sendable {
    public static let pixels = [256, 512, 1024]
    private static let diffusion = "DiT-XL/2"

    private let preset: String

    /// - Throws: ``BenchmarkError`` for what is no preset of the method, or cannot be scaled.
    public init(_ preset: String) throws {
        self.preset = preset
        let known = BenchmarkCatalogue.tokenNames.map(\.preset)
        guard known.contains(preset) else {
            throw BenchmarkError("\(preset) cannot be scaled: give one of \(known.joined(separator: ", "))")
        }
        for what in cases(BenchmarkCase(model: preset)) { _ = try BenchmarkCatalogue.subject(what.model) }
    }

    /// The models to time, all else as in the given case.
    public func cases(_ what: BenchmarkCase) -> [BenchmarkCase] {
        [preset, BenchmarkCatalogue.tokenName(preset)].flatMap { name in Self.pixels.map { sized(what, name, $0) } }
    }

    /// A model at a size. A larger picture has more stages of the method, each with as many steps as those of the smallest have.
    private func sized(_ what: BenchmarkCase, _ model: String, _ pixels: Int) -> BenchmarkCase {
        var sized = what
        sized.model = "\(model)@\(pixels)"
        func stages(_ pixels: Int) -> Int? {
            BenchmarkCatalogue.ecar(preset, side: pixels / BenchmarkCatalogue.reduction)?.stages
        }
        if model == preset, let usual = stages(Self.pixels[0]), let stages = stages(pixels) {
            // Fewer than one for each stay what they are, and are refused later.
            let share = (what.steps ?? ECARSubject.usualSteps) / usual
            sized.steps = share > 0 ? share * stages : what.steps
        }
        return sized
    }

    /// One model at one size.
    public struct Point: Codable, Sendable, Equatable {
        public let series: String
        public let pixels: Int
        /// Of the whole image at its finest.
        public let tokens: Int
        public let macs: Double
        /// Of one image; null where it is counted alone.
        public let seconds: OrNull<Double>
    }

    /// All models at all sizes.
    ///
    /// - Parameters:
    ///   - what: Steps, which for the method are those of the smallest picture, and guidance.
    ///   - results: Of the ``cases(_:)``.
    public func points(_ what: BenchmarkCase, results: [BenchmarkReport.Result] = []) throws -> [Point] {
        let token = BenchmarkCatalogue.tokenName(preset)
        return try counted(preset, preset, what, results)
            + counted(token, "\(token), token by token", what, results)
            + Self.pixels.compactMap { pixels in
                let side = pixels / BenchmarkCatalogue.reduction
                guard let peer = BenchmarkCatalogue.tokenAR(preset, side: side)?.configuration else { return nil }
                return Point(
                    series: "\(token) without a cache (counted)", pixels: pixels, tokens: peer.tokens,
                    macs: peer.macs(guided: what.isGuided, cached: false), seconds: OrNull())
            } + counted(Self.diffusion, "\(Self.diffusion) (counted)", what, [])
    }

    private func counted(
        _ model: String, _ series: String, _ what: BenchmarkCase, _ results: [BenchmarkReport.Result]
    ) throws -> [Point] {
        try Self.pixels.compactMap { pixels in
            let sized = sized(what, model, pixels)
            guard let cost = try BenchmarkCatalogue.subject(sized.model)?.cost(sized) else { return nil }
            let result = results.first { $0.model == sized.model }
            return Point(
                series: series, pixels: pixels, tokens: cost.stages.last?.tokens ?? 0, macs: cost.macs,
                seconds: OrNull(result.map { $0.seconds / Double($0.batch) }))
        }
    }
}

// MARK: - In the report

extension Scaling {
    /// What the peer is, and what it is spared.
    static let remark =
        "The token-by-token transformer has the width, the heads and all blocks of the preset at 256 pixels; what drawing a "
        + "continuous token costs beyond its mean is left out. Its steps are its tokens. E-CAR takes as many steps a stage at all "
        + "sizes, as many as at 256 pixels. \"Counted\" was not run."

    /// How a value grows from one size to the next: the power of the number of tokens. Nil for the smallest size.
    static func growth(_ points: [Point], at index: Int, of value: (Point) -> Double?) -> Double? {
        guard index > 0, points[index - 1].series == points[index].series,
            let (before, after) = value(points[index - 1]).flatMap({ first in value(points[index]).map { (first, $0) } }
            )
        else { return nil }
        return log(after / before) / log(Double(points[index].tokens) / Double(points[index - 1].tokens))
    }

    static func table(_ points: [Point]) -> BenchmarkTable {
        func power(_ value: Double?) -> String { value.map { String(format: "N^%.2f", $0) } ?? "" }
        let rows = points.indices.map { index in
            let point = points[index]
            return [
                point.series, "\(point.pixels)", "\(point.tokens)", BenchmarkTable.short(point.macs),
                power(growth(points, at: index) { $0.macs }),
                point.seconds.value.map(BenchmarkTable.digits) ?? "–",
                power(growth(points, at: index) { $0.seconds.value }),
            ]
        }
        return BenchmarkTable(
            [
                .init("model", isNumber: false), .init("pixels"), .init("tokens N"), .init("MACs"), .init("grow as"),
                .init("seconds an image"), .init("grow as"),
            ], rows)
    }

    static func chart(_ points: [Point]) -> LineChart {
        let names = points.reduce(into: [String]()) { if !$0.contains($1.series) { $0.append($1.series) } }
        func panel(_ label: String, _ value: (Point) -> Double?) -> LineChart.Panel {
            let series = names.map { name in
                LineChart.Series(
                    name,
                    points.filter { $0.series == name }.compactMap { point in
                        value(point).map { .init(Double(point.tokens), $0) }
                    })
            }
            return LineChart.Panel(yLabel: label, series: series.filter { !$0.points.isEmpty }, logY: true)
        }
        var chart = LineChart(
            title: "Cost of larger pictures", xLabel: "tokens of the picture",
            panels: [
                panel("10¹² MACs an image") { $0.macs / 1e12 }, panel("seconds an image") { $0.seconds.value },
            ])
        chart.logX = true
        return chart
    }
}
