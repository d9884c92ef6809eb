import Foundation

/// Text as a report shows it.
package enum ReportText {
    /// Text of unknown origin between tags or in quotes. What no XML document may hold becomes U+FFFD.
    package static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in printable(text, keeping: "\t\n\r").unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Text of unknown origin without what steers a terminal: control characters become U+FFFD.
    package static func printable(_ text: String, keeping kept: String = "") -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\0"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}":
                result.append(kept.unicodeScalars.contains(scalar) ? scalar : "\u{FFFD}")
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    /// A word for a POSIX shell.
    package static func shellWord(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "/._-+,:@=".utf8.contains(byte)
            }
        }
        return isPlain && !text.isEmpty ? text : "'" + text.replacing("'", with: #"'\''"#) + "'"
    }

    /// "384,000"
    package static func count(_ value: Int) -> String {
        var digits = Array(String(value.magnitude))
        for place in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: place) }
        return (value < 0 ? "−" : "") + String(digits)
    }

    /// A whole number, without a fraction.
    package static func count(_ value: Double) -> String { count(Int(min(max(value, -1e18), 1e18).rounded())) }

    /// As many digits as tell something: "0.1912", "21.4", "138", "0.00164", "8.1e-05".
    package static func number(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        let size = abs(value)
        if value == 0 { return "0" }
        if size < 1e-2 || size >= 1e6 { return String(format: "%.3g", value) }
        return String(format: size < 1 ? "%.4f" : size < 10 ? "%.3f" : size < 100 ? "%.1f" : "%.0f", value)
    }

    /// A setting, with no more digits than it has: "50", "1.5".
    package static func setting(_ value: Double) -> String { String(format: "%g", value) }

    /// A share of 1: "93.4 %", which no line's end parts.
    package static func percent(_ share: Double) -> String {
        share.isFinite ? String(format: "%.1f\u{A0}%%", share * 100) : "–"
    }

    /// A number as scripts read it, exactly.
    static func literal(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }

    /// "2 d 3 h", "1 h 18 min", "2 min 5 s" or "31 s".
    package static func duration(_ seconds: Double) -> String {
        let all = Int(min(max(seconds, 0), 1e11).rounded())
        let parts = [(all / 86_400, "d"), (all / 3600 % 24, "h"), (all / 60 % 60, "min"), (all % 60, "s")]
        guard let first = parts.firstIndex(where: { $0.0 > 0 }) else { return "0 s" }
        return parts[first..<min(first + 2, parts.count)].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
            .joined(separator: " ")
    }
}
