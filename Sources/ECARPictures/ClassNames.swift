import ECAR

/// The classes of a model by what the user calls them.
public struct ClassNames: Sendable {
    public let names: [String]

    public init(_ names: [String]) { self.names = names }

    /// The class of a number, an exact name, or the beginning of just one name; case does not matter.
    ///
    /// - Throws: ``ECARError`` that lists the candidates, or suggests the nearest name.
    public func label(_ text: String) throws(ECARError) -> Int {
        if let number = Int(text) {
            guard names.indices.contains(number) else {
                throw ECARError("class \(text): the model has the classes 0…\(names.count - 1)")
            }
            return number
        }
        if let exact = names.firstIndex(of: text) { return exact }
        let wanted = text.lowercased()
        if let exact = names.firstIndex(where: { $0.lowercased() == wanted }) { return exact }
        let matches = names.indices.filter { !wanted.isEmpty && names[$0].lowercased().hasPrefix(wanted) }
        if matches.count == 1 { return matches[0] }
        if matches.count > 1 {
            let shown = matches.prefix(5).map { names[$0] }.joined(separator: ", ")
            let more = matches.count > 5 ? ", …" : ""
            throw ECARError("class \(text): could be \(shown)\(more); say more of it")
        }
        throw ECARError("class \(text): there is no such class\(suggestion(wanted))")
    }

    /// The name that takes the fewest changes, whole or in its beginning.
    private func suggestion(_ wanted: String) -> String {
        // What is much longer than any name is none, and would take long to compare.
        guard wanted.utf8.count <= 64 else { return "" }
        let ranked = names.map { name -> (String, Int) in
            let lower = name.lowercased()
            let start = String(lower.prefix(wanted.count))
            return (name, min(Self.distance(wanted, lower), Self.distance(wanted, start) + 1))
        }
        return ranked.min { $0.1 < $1.1 }.map { "; did you mean \($0.0)?" } ?? ""
    }

    /// Levenshtein's edit distance: characters to insert, remove or replace.
    static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a), Array(b))
        var row = Array(0...b.count)
        for i in a.indices {
            var diagonal = row[0]
            row[0] = i + 1
            for j in b.indices {
                let substituted = diagonal + (a[i] == b[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substituted, diagonal + 1, row[j] + 1)
            }
        }
        return row[b.count]
    }

    /// A class's name as a part of a file name: "T-shirt/top" → "t-shirt-top".
    public static func fileName(_ name: String) -> String {
        let kept = name.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        return String(String(kept).split(separator: "-").joined(separator: "-").prefix(40))
    }
}
