import ECAREvaluation
import ECARImages
import Files
import Foundation
import TestSupport
import Testing

@Suite struct ReportTests {

    // MARK: JSON

    @Test func staysTheSameThroughItsFile() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ecar-report-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let scores = [
            Report.Score(.frechet, 2.5, error: 0.1, method: "bootstrap"), .init(.top5Accuracy, .infinity),
        ]
        let original = ReportSample.report(
            [
                ReportSample.run(
                    scores, steps: 5, guidance: 1.5, classes: ReportSample.classes(3),
                    neighbours: try ReportSample.neighbours())
            ], notes: ["a note"]
        )
        let inside = folder.appendingPathComponent("of/no/folder/yet")
        try original.write(to: inside)
        #expect(try Report.read(from: inside) == original)

        let text = try String(contentsOf: inside.appendingPathComponent("report.json"), encoding: .utf8)
        for part in [
            #""date" : "1970-01-02T00:00:00Z""#, #""metric" : "accuracy-top5""#, #""value" : "inf""#,
            #""path" : "data/real""#, #""isHigherBetter" : false"#, #""kind" : "classifier""#,
            #""classes" : "balanced""#,
        ] { #expect(text.contains(part), "\(part) is missing") }

        try Data(text.utf8.dropLast(9)).write(to: inside.appendingPathComponent("report.json"))
        #expect(throws: FileError.self) { try Report.read(from: inside) }
        #expect(throws: FileError.self) { try Report.read(from: folder) }
        // A file where the folder should be.
        #expect(throws: FileError.self) { try original.write(to: inside.appendingPathComponent("report.json")) }
    }

    // MARK: Page

    @Test func showsWhatThereIs() throws {
        let run = ReportSample.run(
            [.init(.frechet, 2.125, error: 0.0625, method: "bootstrap, 200 rounds"), .init(.accuracy, 0.9)],
            classes: ReportSample.classes(3), neighbours: try ReportSample.neighbours())
        let image = try Image(width: 8, height: 8, channels: 1, fill: 9)
        let pictures = EvaluationPictures(
            classes: [(name: "boot", samples: [image, image]), (name: "bag", samples: [image])],
            neighbours: [(sample: image, nearest: [image, image])])
        let page = try Markup(ReportSample.report([run], notes: ["few pictures"]).html(pictures: [pictures]))
        for part in [
            "1,000 pictures of 28×32 pixels drawn with tiny (5/10/20 steps, guidance 1.5, balanced classes)",
            "compared with 1,000 pictures of real, in the features of the classifier judge", "few pictures",
            "Fréchet distance in classifier features", "2.12", "± 0.06", "↓ lower is better", "bootstrap, 200 rounds",
            "90.0 %", "real pictures 93.4 %", "boot", "5.0\u{A0}% taken for other 1", "training pictures", "0.50 times",
            "0.1250 s a picture", "from 7", "ecar evaluate --count 1000", "1.2.3", ReportSample.digest,
        ] { #expect(page.text.contains(part), "\(part) is missing") }
        // Three samples; one with two neighbours.
        #expect(page.elements.count { $0.name == "img" } == 6)
        #expect(page.values("img", "src").allSatisfy { $0.hasPrefix("data:image/png") })
        #expect(page.values("figure", "class").count { $0 == "copy" } == 0)
        #expect(page.values("script", "src").isEmpty)
        #expect(page.values("link", "href") == ["data:,"])
        #expect(page.values("meta", "content").contains { $0.hasPrefix("default-src 'none'") })
    }

    /// The pictures in a file of statistics are not those that the statistics are of.
    @Test func statisticsAreNotOfThePicturesBesideThem() throws {
        var report = ReportSample.report([ReportSample.run([])])
        report.reference?.kind = .statistics
        report.reference?.count = 16
        let page = try Markup(report.html())
        #expect(page.text.contains("compared with the statistics real, and its 16 pictures, in the features"))
        #expect(page.text.contains("pictures beside them"))
        report.reference?.count = nil
        #expect(try Markup(report.html()).text.contains("compared with the statistics real, in the features"))
    }

    @Test func leavesOutWhatThereIsNot() throws {
        let score = Report.Score(.fid, 3)
        let page = try Markup(
            ReportSample.report(
                [Report.Run(samples: ReportSample.pictures("plain"), scores: [score])], network: .inception
            ).html())
        for part in [
            "As they came", "Accuracy by class", "Nearest neighbours", "All runs", "with care", "±", "sampling",
        ] {
            #expect(!page.text.contains(part), "\(part) should not be there")
        }
        #expect(!page.elements.contains { ["img", "svg", "aside", "details"].contains($0.name) })
        #expect(try Markup(ReportSample.report([]).html()).text.contains("Nothing was evaluated."))
    }

    @Test(arguments: Metric.allCases) func saysWhichWayIsBetter(metric: Metric) throws {
        let page = try Markup(ReportSample.report([ReportSample.run([.init(metric, 0.5)])]).html())
        let isDistance = [Metric.fid, .sfid, .kid, .frechet, .kernel].contains(metric)
        #expect(page.text.contains("↓ lower is better") == isDistance)
        #expect(page.text.contains("↑ higher is better") == !isDistance)
    }

    /// What is measured with a classifier may not look as if Inception had been asked.
    @Test(arguments: [Metric.frechet, .kernel, .precision, .recall]) func classifiersAreNamed(
        metric: Metric
    ) throws {
        let report = ReportSample.report([ReportSample.run([.init(metric, 0.5)])])
        #expect(report.table().contains("in classifier features"))
        #expect(try Markup(report.html()).text.contains("in classifier features"))
    }

    @Test(arguments: [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'&amp;--></style>]]>",
        "\u{1}\u{1B}[31m\u{FFFF}",
    ])
    func hostileNamesStayText(name: String) throws {
        func page(_ name: String) throws -> Markup {
            var run = ReportSample.run(
                [.init(.frechet, 1, method: name)], classes: [.init(name: name, count: 1, accuracy: 0.5)],
                neighbours: Report.Neighbours(
                    in: name,
                    samples: [.init(index: 0, label: name, nearest: [.init(index: 1, label: name, distance: 1)])],
                    toReal: [1], amongReal: [1]))
            (run.samples.name, run.samples.path, run.samples.digest) = (name, name, name)
            run.model?.solver = name
            run.classes[0].mistake = .init(name: name, share: 0.5)
            var other = run
            other.samples.name += " too"
            var report = ReportSample.report([run, other], notes: [name])
            (report.network.name, report.network.resize, report.command, report.version) = (name, name, name, name)
            report.reference?.name = name
            report.machine.device = name
            #expect(!report.table().contains("\u{1B}"))
            let image = try Image(width: 8, height: 8, channels: 1)
            let pictures = EvaluationPictures(
                classes: [(name: name, samples: [image])], neighbours: [(sample: image, nearest: [image])])
            return try Markup(report.html(pictures: [pictures]))
        }
        let (plain, hostile) = (try page("-"), try page(name))
        #expect(hostile.elements.map(\.name) == plain.elements.map(\.name))
        #expect(hostile.elements.map(\.attributes.count) == plain.elements.map(\.attributes.count))
        if !name.contains("\u{1}") { #expect(hostile.text.contains(name)) }
    }

    @Test func takesAnyNumbers() throws {
        for value in [.nan, .infinity, -1, 0, 1e308, -1e308, .leastNonzeroMagnitude] as [Double] {
            let scores = Metric.allCases.map { Report.Score($0, value, error: value) }
            var first = ReportSample.run(scores, steps: .max, guidance: value, classes: ReportSample.classes(2))
            first.classes[0].accuracy = value
            first.classes[1].realAccuracy = value
            let second = ReportSample.run(scores, steps: .min, guidance: 1)
            for report in [ReportSample.report([first]), ReportSample.report([first, second])] {
                _ = try Markup(report.html())
                #expect(report.table().count < 10_000)
            }
            #expect(Report.Neighbours(in: "", samples: [], toReal: [value], amongReal: [.nan]) == nil)
        }
    }

    @Test func foldsTheBetterClasses() throws {
        let page = try Markup(
            ReportSample.report([ReportSample.run([], classes: ReportSample.classes(50).reversed())]).html())
        #expect(page.text.contains("30 more classes"))
        let order = (0..<50).compactMap { page.text.range(of: "class \($0 + 100)") }.map(\.lowerBound)
        #expect(order.count == 50 && order == order.sorted())
    }

    @Test func staysSmallWithLargePictures() throws {
        let images = try (1...6).map { try ReportSample.noise($0, side: 300) }
        let many = (0..<10).flatMap { _ in images }
        let pictures = EvaluationPictures(
            classes: (0..<100).map { (name: "class \($0)", samples: many) },
            neighbours: (0..<100).map { _ in (sample: images[0], nearest: images) })
        let html = ReportSample.report([ReportSample.run([], neighbours: try ReportSample.neighbours(100))]).html(
            pictures: [pictures])
        #expect(html.utf8.count < 5_000_000)
        #expect(try Markup(html).values("img", "src").count == 24 * 8 + 24 * (1 + 2))
    }

    // MARK: Numbers

    @Test(arguments: [
        (Report.Score(.fid, 12.3456), "12.35"), (.init(.fid, 12.3456, error: 3.21), "12.35 ± 3.21"),
        (.init(.frechet, 2.5, error: 0.0031), "2.500 ± 0.003"),
        (.init(.kid, 0.001234, error: 0.0002), "0.00123 ± 0.00020"),
        (.init(.kid, -0.0004), "−0.000400"), (.init(.recall, 0.5, error: 0), "0.500 ± 0.000"),
        (.init(.accuracy, 0.9342, error: 0.0025), "93.4 ± 0.2 %"), (.init(.inceptionScore, 187.424), "187.42"),
        (.init(.precision, .nan), "–"),
    ])
    func scoresHaveSensibleDigits(score: Report.Score, text: String) {
        let line = ReportSample.report([ReportSample.run([score])]).table().split(
            separator: " ", omittingEmptySubsequences: true)
        #expect(line.joined(separator: " ").contains(" \(text) \(score.isHigherBetter ? "↑" : "↓")"))
    }

    @Test func nearCopiesAreCounted() throws {
        let neighbours = try ReportSample.neighbours()
        #expect(neighbours.amongReal.p1 == 1 && neighbours.amongReal.p75 == 75 && neighbours.toReal.p25 == 12.5)
        #expect(neighbours.medianRatio == 0.5)
        // 0 and 0.5 of 101 distances are below 1.
        #expect(neighbours.nearCopies == 2.0 / 101)
        let even = Report.Neighbours(in: "", samples: [], toReal: [3, 1, .nan], amongReal: [4, 2])
        #expect(even?.toReal.median == 2 && even?.toReal.count == 2)
    }

    /// Two pairs of duplicates among 200 pictures are at no distance from one another, as copies are.
    @Test func duplicatesHideNoCopies() throws {
        let samples = [
            Report.Neighbours.Sample(index: 0, nearest: [.init(index: 3, distance: 0), .init(index: 4, distance: 2)])
        ]
        let real = [0, 0, 0, 0] + (4..<200).map { Double($0) }
        let neighbours = try #require(
            Report.Neighbours(in: "", samples: samples, toReal: [Double](repeating: 0, count: 200), amongReal: real))
        #expect(neighbours.amongReal.p1 == 0 && neighbours.nearCopies == 1 && neighbours.medianRatio == 0)
        let image = try Image(width: 8, height: 8, channels: 1)
        let pictures = EvaluationPictures(neighbours: [(sample: image, nearest: [image, image])])
        let page = try Markup(
            ReportSample.report([ReportSample.run([], neighbours: neighbours)]).html(pictures: [pictures]))
        #expect(page.values("figure", "class").count { $0 == "copy" } == 1)
        #expect(page.text.contains("0.00 times"))
    }

    @Test(arguments: [0, 1.0]) func noRatioToNoDistance(sample: Double) throws {
        let neighbours = try #require(
            Report.Neighbours(in: "", samples: [], toReal: [sample, sample], amongReal: [0, 0, 5]))
        #expect(neighbours.medianRatio == nil)
        let report = ReportSample.report([ReportSample.run([], neighbours: neighbours)])
        #expect(!(try Markup(report.html()).text.contains("median distance is")))
        let read = try JSONDecoder().decode(Report.Neighbours.self, from: JSONEncoder().encode(neighbours))
        #expect(read == neighbours)
    }
}
