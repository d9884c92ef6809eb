import ECAR
import ECARImages
import ECARReports
import Foundation

/// A run at a glance: one HTML page that needs no other file, no network and, to be read, no script.
///
/// Rewritten now and then, it reloads itself while the run goes on.
public struct RunReport {
    public enum State: String, Sendable {
        case running, stopped, finished
    }

    public let configuration: TrainingConfiguration
    /// Pictures of the data set.
    public let pictures: Int
    /// The run's log, ascending by step.
    public let entries: [LogEntry]
    /// The run's folder; the page stands in it.
    public let folder: URL
    public let samples: ReportPictures
    public let state: State
    /// When the page is written.
    public let date: Date

    /// Seconds between two reloads of a running run's page.
    private static let refresh = 60
    /// A setting's value is cut after so many characters; a thousand class names tell nothing.
    private static let longestSetting = 400

    public init(
        configuration: TrainingConfiguration, pictures: Int, entries: [LogEntry], folder: URL,
        samples: ReportPictures, state: State, date: Date
    ) {
        (self.configuration, self.pictures, self.entries) = (configuration, pictures, entries)
        (self.folder, self.samples, self.state, self.date) = (folder, samples, state, date)
    }

    /// The page, well-formed as XML too.
    ///
    /// - Throws: Where the configuration holds a number that JSON has no name for.
    public func html() throws -> String {
        let pace = RunPace(configuration, pictures: pictures, entries: entries)
        let page = ReportPage(
            title: (state == .running ? "\(percent(pace)) · " : "") + folder.lastPathComponent,
            refresh: state == .running ? Self.refresh : nil, style: Self.style, script: Self.script)
        return page.html(
            """
            \(header(pace))
            <main>
            \(charts)
            \(gallery)
            </main>
            \(try footer())
            """)
    }

    // MARK: State

    private func percent(_ pace: RunPace) -> String { "\(Int(pace.fraction * 100)) %" }

    private func header(_ pace: RunPace) -> String {
        let name = ReportText.escaped(folder.lastPathComponent)
        let time = date.formatted(.iso8601)
        let about = configuration.about.map { "<p class=\"about\">\(ReportText.escaped($0))</p>" } ?? ""
        let tiles = facts(pace).map { "<div><dt>\($0.name)</dt><dd>\($0.value)</dd><dd>\($0.note)</dd></div>" }
        return """
            <header>
            <div class="title"><h1>\(name)</h1><span class="state \(state.rawValue)" \
            data-silence="\(state == .running ? silence(pace) : 0)">\(state.rawValue)</span>
            <span class="written">written <time datetime="\(time)">\(time)</time></span></div>
            \(about)
            <div class="bar" role="progressbar" aria-label="steps taken" aria-valuenow="\(pace.step)" \
            aria-valuemax="\(pace.steps)"><i style="width:\(String(format: "%.2f%%", pace.fraction * 100))"></i></div>
            <dl class="facts">\(tiles.joined(separator: "\n"))</dl>
            </header>
            """
    }

    private func rounded(_ value: Double) -> String {
        value < 100 ? String(format: "%.1f", value) : ReportText.count(value)
    }

    /// Seconds without a new page after which a run that calls itself running has probably died.
    private func silence(_ pace: RunPace) -> Int {
        guard let rate = pace.imagesPerSecond else { return 0 }
        let steps = Double(min(configuration.sampleEvery, configuration.checkpointEvery, configuration.steps))
        let interval = steps * Double(configuration.batchSize) / rate
        return Int(min(3 * interval + Double(2 * Self.refresh), 1e9))
    }

    private func facts(_ pace: RunPace) -> [(name: String, value: String, note: String)] {
        let losses = entries.last?.losses ?? []
        let values = losses.enumerated().map {
            "<span class=\"\(ReportChart.colour($0))\">\(ReportText.number($1))</span>"
        }
        var facts = [
            ("step", ReportText.count(pace.step), "of \(ReportText.count(pace.steps)) · \(percent(pace))"),
            ("images", ReportText.count(pace.images), "\(rounded(pace.epochs)) epochs"),
            ("images/s", pace.imagesPerSecond.map(rounded) ?? "–", "lately"),
            ("time", ReportText.duration(pace.seconds), state == .finished ? "in all" : "so far"),
        ]
        if state != .finished, let left = pace.secondsLeft {
            facts.append(("left", ReportText.duration(left), "at this rate"))
        }
        if !losses.isEmpty {
            facts.append(("loss", values.joined(separator: " "), "at the last step logged, by stage"))
        }
        return facts
    }

    // MARK: Curves

    private var charts: String {
        guard !entries.isEmpty else {
            return "<section class=\"charts first\"><p class=\"card empty\">Nothing has been logged yet.</p></section>"
        }
        let axis = ReportAxis.fromZero("step", entries.map { Double($0.step) })
        let loss = ReportChart(panel("loss", stages(\.losses, smoothing), isLogarithmic: true), size: .tall, axis: axis)
        var low = [
            panel("gradient norm", [series("before clipping", smoothing) { $0.gradientNorm }], isLogarithmic: true),
            panel("learning rate", [series(configuration.schedule.rawValue, 0) { $0.learningRate }]),
        ]
        if entries.contains(where: \.isWeighted) { low.append(panel("weight of the loss", stages(\.weights, 0))) }
        let rest = low.map { ReportChart($0, size: .low, axis: axis).html() }.joined()
        return "<div class=\"charts first\" \(axis.attributes)>\(loss.html())</div>\n"
            + "<div class=\"charts rest\">\(rest)</div>"
    }

    /// The running mean's decay: over more of the log, the longer it is.
    private var smoothing: Double {
        let window = max(min(Double(entries.count) / 24, 20), Double(entries.count) / 100, 1)
        return 1 - 1 / window
    }

    private func panel(_ title: String, _ series: [LineChart.Series], isLogarithmic: Bool = false) -> LineChart.Panel {
        LineChart.Panel(yLabel: title, series: series, logY: isLogarithmic)
    }

    private func series(_ name: String, _ smoothing: Double, value: (LogEntry) -> Double) -> LineChart.Series {
        LineChart.Series(name, entries.map { LineChart.Point(Double($0.step), value($0)) }, smoothing: smoothing)
    }

    private func stages(_ values: KeyPath<LogEntry, [Double]>, _ smoothing: Double) -> [LineChart.Series] {
        configuration.model.sides.enumerated().map { stage, side in
            series("\(side)×\(side)", smoothing) { entry in
                let values = entry[keyPath: values]
                return stage < values.count ? values[stage] : .nan
            }
        }
    }

    // MARK: Pictures

    private var gallery: String {
        guard let newest = samples.newest else {
            return "<section class=\"samples card\"><p class=\"empty\">No samples yet.</p></section>"
        }
        let older = samples.older.map { figure($0) }.joined(separator: "\n")
        return """
            <section class="samples card">
            <h2>samples</h2>
            \(figure(newest))
            \(older.isEmpty ? "" : "<div class=\"strip\">\(older)</div>")
            </section>
            """
    }

    private func figure(_ sheet: ReportPictures.Sheet) -> String {
        let path = sheet.path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? ""
        return """
            <figure><a href="\(ReportText.escaped(path))">\(sheet.picture.html("samples at \(sheet.caption)"))</a>\
            <figcaption>\(ReportText.escaped(sheet.caption))</figcaption></figure>
            """
    }

    // MARK: Settings

    private func footer() throws -> String {
        let path = ReportText.shellWord(folder.path)
        let decoder = configuration.data.autoencoder.map { " --autoencoder " + ReportText.shellWord($0) } ?? ""
        let resume = "ecar train --output \(path) --resume"
        let commands =
            (state == .finished ? [] : [("Continue after a stop", resume)])
            + [
                (
                    state == .finished ? "Draw with the model" : "Draw with the model so far",
                    "ecar sample --model \(path)\(decoder)"
                )
            ]
        let list = commands.map { "<dt>\($0)</dt><dd><code>\(ReportText.escaped($1))</code></dd>" }.joined()
        let rows = try settings().map { key, value in
            "<tr><th>\(ReportText.escaped(key))</th><td>\(ReportText.escaped(value))</td></tr>"
        }
        return """
            <footer>
            <dl class="commands">\(list)</dl>
            <details><summary>Configuration</summary><table><tbody>
            \(rows.joined(separator: "\n"))
            </tbody></table></details>
            </footer>
            """
    }

    /// Dotted keys, as `--set` takes them, and values in JSON.
    private func settings() throws -> [(key: String, value: String)] {
        func flat(_ value: Any, _ key: String) throws -> [(key: String, value: String)] {
            if let object = value as? [String: Any] {
                return try object.sorted { $0.key < $1.key }
                    .flatMap { try flat($0.value, key.isEmpty ? $0.key : "\(key).\($0.key)") }
            }
            let data = try JSONSerialization.data(
                withJSONObject: value, options: [.fragmentsAllowed, .withoutEscapingSlashes])
            let text = String(decoding: data, as: UTF8.self)
            let isLong = text.count > Self.longestSetting
            return [(key, isLong ? text.prefix(Self.longestSetting) + "…" : text)]
        }
        return try flat(JSONSerialization.jsonObject(with: StrictJSON.encode(configuration)), "")
    }
}
