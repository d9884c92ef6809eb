/// Class names as data sets and models spell them.
public enum ClassName {
    /// A name without its number, capitals and way to write spaces, to compare by: "001_Pink-primrose" and "pink primrose"
    /// have the same. A name that is nothing but a number stays one.
    public static func key(_ name: String) -> String {
        let words = name.lowercased().split { "_-. ".contains($0) }
        let named = words.drop { Int($0) != nil }
        return (named.isEmpty ? words[...] : named).joined(separator: " ")
    }
}
