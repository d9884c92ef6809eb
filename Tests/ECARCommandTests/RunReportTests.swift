import ECARAutoencoder
import ECARImages
import ECARTraining
import Foundation
import TestSupport
import Testing
import Torch

@Suite struct RunReportTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    // MARK: What goes in

    private func entries(_ count: Int, every interval: Int = 10, weights: [Double] = [1, 1, 1]) throws -> [LogEntry] {
        let weights = weights.map(\.description).joined(separator: ",")
        return try (1...count).map { index in
            let loss = 1 / Double(index) + 0.1 * Double(index % 7)
            let line = """
                {"step": \(index * interval), "losses": [\(loss), \(loss / 2), \(loss / 4)], "weights": [\(weights)],
                "gradientNorm": \(loss), "learningRate": 0.001, "seconds": \(index)}
                """
            return try JSONDecoder().decode(LogEntry.self, from: Data(line.utf8))
        }
    }

    private func report(
        _ entries: [LogEntry], changes: [String] = [], name: String = "run", samples: [URL] = [],
        state: RunReport.State = .running
    ) throws -> String {
        try RunReport(
            configuration: Sample.configuration(changes), pictures: 100, entries: entries, folder: folder[name],
            samples: ReportPictures(samples), state: state, date: Date(timeIntervalSince1970: 0)
        ).html()
    }

    /// A sheet that no format makes small.
    private func writeNoise(_ step: Int, side: Int) throws -> URL {
        var random = SplitMix64(seed: UInt64(step))
        let pixels = (0..<side * side * 3).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let url = folder[String(format: "%08d.png", step)]
        try Image(width: side, height: side, channels: 3, pixels: pixels).write(to: url)
        return url
    }

    /// How many points each curve has.
    private func points(_ page: Markup) -> [Int] {
        page.elements.filter { $0.name == "path" && $0.attributes["class"] != "grid" }
            .map { ($0.attributes["d"] ?? "").count { $0 == "," } }
    }

    // MARK: What comes out

    @Test(arguments: [0, 1, 2, 39, 1000]) func isWellFormedAndWhole(count: Int) throws {
        let page = try Markup(try report(count == 0 ? [] : try entries(count)))
        #expect(page.elements.count { $0.name == "svg" } == (count == 0 ? 0 : 3))
        #expect(page.elements.contains { $0.name == "footer" })
        // Nothing that is shown comes from anywhere else.
        #expect(page.values("img", "src").allSatisfy { $0.hasPrefix("data:") })
        #expect(page.values("link", "href") == ["data:,"])
        #expect(page.values("script", "src").isEmpty)
    }

    @Test func saysHowFarTheRunIs() throws {
        // 10 steps of 4 images a second.
        let page = try Markup(try report(try entries(60), changes: ["steps=1200"]))
        for part in ["600", "of 1,200 · 50 %", "2,400", "24.0 epochs", "40.0", "1 min", "train --output"] {
            #expect(page.text.contains(part), "\(part) is missing")
        }
        #expect(page.values("meta", "http-equiv").contains("refresh"))
        for state in [RunReport.State.stopped, .finished] {
            let page = try Markup(try report(try entries(60), changes: ["steps=1200"], state: state))
            #expect(!page.values("meta", "http-equiv").contains("refresh"))
            #expect(page.text.contains("--resume") == (state == .stopped))
        }
    }

    @Test func leavesWeightsOutWhereAllAreOne() throws {
        let title = "weight of the loss"
        #expect(try !Markup(try report(try entries(9))).text.contains(title))
        #expect(try Markup(try report(try entries(9, weights: [1, 1, 1.5]))).text.contains(title))
    }

    /// The chart that is a picture has a panel less then.
    @Test(arguments: [("gradNorm=null", 526), ("steps=9", 946)]) func soDoTheCurves(change: String, height: Int) throws
    {
        try Sample.writePictures(folder["pictures"])
        let configuration = try Sample.configuration(["steps=2", change])
        let run = try RunDirectory.create(folder["run"], configuration)
        let trainer = try Trainer(
            configuration, .open(folder["pictures"]), autoencoder: Identity(), device: .cpu, run: run)
        #expect(try trainer.train() == .finished)
        #expect(try Image.read(run.chart).height == height)
    }

    @Test(arguments: [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'&amp;--></style>]]>",
        "\u{1}\u{1B}[31m\u{FFFF}",
    ])
    func hostileNamesStayText(name: String) throws {
        let about = try #require(String(data: JSONEncoder().encode(name), encoding: .utf8))
        let plain = try Markup(try report(try entries(5), changes: ["about=\"-\"", "classNames=[\"-\",\"b\",\"c\"]"]))
        let html = try report(
            try entries(5), changes: ["about=\(about)", "classNames=[\(about),\"b\",\"c\"]"],
            name: name.replacing("/", with: "|"))
        let page = try Markup(html)
        #expect(page.elements.map(\.name) == plain.elements.map(\.name))
        #expect(page.elements.map(\.attributes.count) == plain.elements.map(\.attributes.count))
        if !name.contains("\u{1}") { #expect(page.text.contains(name)) }
    }

    @Test func commandsSurviveTheShell() throws {
        let page = try Markup(try report([], name: "it's $(mine)"))
        #expect(page.text.contains(#"/it'\''s $(mine)' --resume"#))
    }

    @Test func longRunsAreThinned() throws {
        let entries = try entries(3000, weights: [0.5, 1, 1.5])
        let html = try report(entries)
        let page = try Markup(html)
        #expect(points(page).count == 12)
        #expect(points(page).allSatisfy { (300...600).contains($0) })
        let steps = try #require(page.values("div", "data-x").first).split(separator: " ")
        #expect(steps.first == "10" && steps.last == "30000" && steps.count <= 600)
        #expect(page.values("path", "data-values").allSatisfy { $0.split(separator: " ").count == steps.count })
        #expect(html.utf8.count < 200_000)
    }

    @Test func takesAnyNumbers() throws {
        var entries = try entries(4)
        let wild: [Double] = [.nan, .infinity, -1, 0, 1e308, -1e308, .leastNonzeroMagnitude]
        for (index, value) in wild.enumerated() {
            entries[index % 4].losses = Array(repeating: value, count: index % 4)
            entries[index % 4].gradientNorm = value
            entries[index % 4].learningRate = value
            entries[index % 4].seconds = value
            entries[index % 4].step = index.isMultiple(of: 2) ? .max : .min
            _ = try Markup(try report(entries))
        }
    }

    // MARK: Pictures

    @Test func embedsTheNewestSheetAndSomeOlderOnes() throws {
        let image = try Image(width: 64, height: 48, channels: 1, fill: 128)
        let files = try (1...20).map { step in
            let url = folder[String(format: "%08d.png", step * 1000)]
            try image.write(to: url)
            return url
        }
        let page = try Markup(try report(try entries(3), samples: files))
        let sources = page.values("img", "src")
        #expect(sources.count == 9)
        #expect(sources.first == "data:image/png;base64,\(try Data(contentsOf: files[19]).base64EncodedString())")
        #expect(page.values("a", "href").first == "\(folder.url.lastPathComponent)/00020000.png")
        for caption in ["step 20,000", "step 1,000", "step 19,000"] { #expect(page.text.contains(caption)) }

        // A sheet that is gone or damaged is left out.
        try Data("no picture".utf8).write(to: files[19])
        try FileManager.default.removeItem(at: files[0])
        let rest = try Markup(try report(try entries(3), samples: files))
        #expect(rest.values("img", "src").count == 8)
        #expect(rest.values("a", "href").first?.hasSuffix("00019000.png") == true)
    }

    @Test func staysSmallWithLargeSheets() throws {
        let files = try [(1, 900), (2, 640), (3, 700), (4, 1000)].map { try writeNoise($0, side: $1) }
        // The same few files, as if of a long run.
        let samples = (0..<4).flatMap { _ in files }
        let html = try report(try entries(3000, weights: [0.5, 1, 1.5]), samples: samples)
        #expect(html.utf8.count < 2_000_000)
        #expect(try Markup(html).values("img", "src").allSatisfy { $0.hasPrefix("data:image/jpeg") })
    }
}
