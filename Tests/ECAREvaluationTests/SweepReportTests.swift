import ECAREvaluation
import ECARImages
import TestSupport
import Testing

@Suite struct SweepReportTests {
    @Test func sweepsMarkTheBest() throws {
        let report = ReportSample.report(ReportSample.grid())
        let lines = report.table().split(separator: "\n").map(String.init)
        #expect(
            lines == [
                "steps  guidance  accuracy, % ↑   Fréchet (classifier) ↓",
                "   10         1     50.0 ± 1.0              9.50 ± 0.25",
                "   10      1.25     75.0 ± 1.0*             8.00 ± 0.25",
                "   10         2     75.0 ± 1.0*            12.00 ± 0.25",
                "   50         1     50.0 ± 1.0              4.00 ± 0.25",
                "   50      1.25     75.0 ± 1.0*             3.00 ± 0.25*",
                "   50         2     75.0 ± 1.0*             5.00 ± 0.25",
                "* best of its column",
            ])
        let page = try Markup(report.html())
        #expect(page.values("td", "class").count { $0 == "number best" } == 5)
        #expect(page.text.contains("at 50\u{A0}steps, guidance\u{A0}1.25"))
        #expect(page.text.contains("drawn with tiny at 6 points (1,000 pictures"))
    }

    @Test func sweepsAreDrawn() throws {
        let both = try Markup(ReportSample.report(ReportSample.grid()).html())
        #expect(both.values("div", "data-axis") == ["steps"])
        #expect(both.values("div", "data-x") == ["10 50"])
        // A curve for each guidance scale, for each score.
        #expect(
            both.values("path", "data-values") == [
                "50.0 50.0", "75.0 75.0", "75.0 75.0", "9.500 4.000", "8.000 3.000", "12.0 5.000",
            ])
        #expect(both.values("path", "class").count { $0.hasSuffix("error") } == 6)
        #expect(both.text.contains("guidance 1.25"))

        let guidance = try Markup(ReportSample.report(Array(ReportSample.grid().prefix(3))).html())
        #expect(guidance.values("div", "data-x") == ["1 1.25 2"])
        #expect(guidance.values("path", "data-values") == ["50.0 75.0 75.0", "9.500 8.000 12.0"])
        // Sets of samples without an order have a table alone.
        let sets = try Markup(
            ReportSample.report([ReportSample.run([.init(.frechet, 1)]), ReportSample.run([.init(.frechet, 2)])]).html()
        )
        #expect(sets.values("div", "data-x").isEmpty && sets.elements.contains { $0.name == "thead" })
    }

    @Test func sweepsShowEveryRunsPictures() throws {
        let image = try Image(width: 8, height: 8, channels: 1)
        let pictures = EvaluationPictures(classes: (0..<3).map { (name: "\($0)", samples: [image, image]) })
        let page = try Markup(
            ReportSample.report(ReportSample.grid()).html(pictures: Array(repeating: pictures, count: 6)))
        // One of each class of six runs; all of the best.
        #expect(page.elements.count { $0.name == "img" } == 6 * 3 + 3 * 2)
    }
}
