/// An HTML page that needs no other file, no network and, to be read, no script; well-formed as XML too.
///
/// Holds what all such pages have: colours for light and dark, type, cards, tables, charts.
package struct ReportPage {
    private static let policy =
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"

    private let title: String
    private let refresh: Int?
    private let style: String
    private let script: String

    /// - Parameters:
    ///   - title: Text, not markup.
    ///   - refresh: Seconds after which the page loads itself again.
    ///   - style: Rules that this page has beyond those of all.
    ///   - script: What this page does beyond what all do.
    package init(title: String, refresh: Int? = nil, style: String, script: String = "") {
        (self.title, self.refresh, self.style, self.script) = (title, refresh, style, script)
    }

    /// - Parameter body: Markup.
    package func html(_ body: String) -> String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="color-scheme" content="light dark"/>
        <meta http-equiv="Content-Security-Policy" content="\(Self.policy)"/>
        \(refresh.map { "<meta http-equiv=\"refresh\" content=\"\($0)\"/>" } ?? "")
        <title>\(ReportText.escaped(title))</title>
        <link rel="icon" href="data:,"/>
        <style>\(Self.style)\(style)</style>
        </head>
        <body>
        \(body)
        <script>//<![CDATA[
        \(Self.script)
        \(script)
        //]]></script>
        </body>
        </html>

        """
    }
}
