/// Class names as data sets and models spell them.
public enum ClassName {
    /// A name without its folder's number, capitals and way to write spaces, to compare by: "001_Pink-primrose" and "pink
    /// primrose" have the same, "2 door car" and "4 door car" have not. A name that is nothing but a number stays one.
    public static func key(_ name: String) -> String {
        let separators: Set<Character> = ["_", "-", "."]
        let rest = name.drop { $0.isASCII && $0.isNumber }
        let isNumbered = rest.count < name.count && rest.first.map(separators.contains) == true
        let words = { (text: Substring) in text.lowercased().split { separators.contains($0) || $0 == " " } }
        let named = isNumbered ? words(rest) : []
        return (named.isEmpty ? words(name[...]) : named).joined(separator: " ")
    }

    /// Where each name is among others, however both are written; nil where it is none of them, or could be several.
    public static func places(of names: [String], among others: [String]) -> [Int?] {
        guard names != others else { return Array(others.indices) }
        func unique(by key: (String) -> String) -> [String: Int] {
            Dictionary(grouping: others.indices) { key(others[$0]) }.compactMapValues { $0.count == 1 ? $0[0] : nil }
        }
        let (exact, alike) = (unique { $0 }, unique(by: key))
        return names.map { exact[$0] ?? alike[key($0)] }
    }
}
