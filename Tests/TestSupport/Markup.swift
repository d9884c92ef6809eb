import Foundation
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// A page's elements with their attributes, and its text, as an XML parser sees them.
public final class Markup: NSObject, XMLParserDelegate {
    public private(set) var elements: [(name: String, attributes: [String: String])] = []
    public private(set) var text = ""

    /// Fails the test where the page is not well-formed.
    public init(_ html: String) throws {
        super.init()
        let parser = XMLParser(data: Data(html.utf8))
        parser.delegate = self
        try #require(parser.parse(), "line \(parser.lineNumber): \(String(describing: parser.parserError))")
    }

    public func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        elements.append((name, attributes))
    }

    public func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

    public func values(_ name: String, _ attribute: String) -> [String] {
        elements.compactMap { $0.name == name ? $0.attributes[attribute] : nil }
    }
}
