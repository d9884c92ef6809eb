import ECAR
import Foundation

extension TrainingConfiguration {
    /// Reads a configuration and applies `key=value` changes to it before it is checked.
    ///
    /// - Parameters:
    ///   - name: The file, for messages.
    ///   - changes: Dotted keys; values are JSON, and where they are not, strings.
    /// - Throws: `ECARError` naming the file and the key that is wrong.
    public static func read(_ data: Data, name: String, changes: [String] = []) throws(ECARError)
        -> TrainingConfiguration
    {
        let original = try StrictJSON.decode(TrainingConfiguration.self, from: data, name: name)
        guard !changes.isEmpty else {
            try original.validate()
            return original
        }
        var object = try original.object()
        for change in changes {
            let (path, value) = try parse(change)
            try set(value, at: path[...], of: &object, change: change)
        }
        let configuration: TrainingConfiguration
        do {
            let changed = try JSONSerialization.data(withJSONObject: object)
            configuration = try StrictJSON.decode(TrainingConfiguration.self, from: changed, name: "--set")
        } catch let error as ECARError {
            throw error
        } catch {
            throw ECARError("--set \(changes.joined(separator: " ")): the values do not make valid JSON")
        }
        try configuration.validate()
        return configuration
    }

    /// The keys that may change while a run goes on, for they do not touch what has been computed so far.
    public static let changeableKeys: Set<String> = [
        "about", "steps", "logEvery", "sampleEvery", "checkpointEvery", "keepCheckpoints", "data.path", "data.autoencoder",
        "microBatches", "activationCheckpointing",
    ]

    /// The first dotted key, other than the changeable ones, in which another configuration differs.
    public func firstDifference(from other: TrainingConfiguration) throws(ECARError) -> String? {
        Self.firstDifference(try object(), try other.object(), prefix: "")
    }

    // MARK: JSON objects

    /// Keys that a configuration may leave out.
    private static let optionalKeys: Set<String> = ["about", "classNames", "gradNorm", "data.path"]

    private func object() throws(ECARError) -> [String: Any] {
        let data = try? StrictJSON.encode(self)
        guard let data, let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
            throw ECARError("training configuration: a value is not representable in JSON")
        }
        return object
    }

    private static func parse(_ change: String) throws(ECARError) -> (path: [String], value: Any) {
        guard let equals = change.firstIndex(of: "="), equals != change.startIndex else {
            throw ECARError("--set \(change): must look like key=value")
        }
        let path = change[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let text = String(change[change.index(after: equals)...])
        let value = try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
        return (path, value ?? text)
    }

    private static func set(
        _ value: Any, at path: ArraySlice<String>, of object: inout [String: Any], change: String, above: String = ""
    ) throws(ECARError) {
        guard let key = path.first else { return }
        let full = above + key
        guard object[key] != nil || optionalKeys.contains(full) || above == "gradNorm." else {
            throw ECARError("--set \(change): unknown key \"\(full)\"")
        }
        guard path.count > 1 else {
            object[key] = value
            return
        }
        guard var inner = object[key].map({ $0 as? [String: Any] }) ?? [:] else {
            throw ECARError("--set \(change): \"\(full)\" has no keys of its own")
        }
        try set(value, at: path.dropFirst(), of: &inner, change: change, above: full + ".")
        object[key] = inner
    }

    private static func firstDifference(_ a: [String: Any], _ b: [String: Any], prefix: String) -> String? {
        for key in Set(a.keys).union(b.keys).sorted() {
            let full = prefix + key
            if changeableKeys.contains(full) { continue }
            if let a = a[key] as? [String: Any], let b = b[key] as? [String: Any] {
                if let inner = firstDifference(a, b, prefix: full + ".") { return inner }
            } else if (a[key] as? NSObject) != (b[key] as? NSObject) {
                return full
            }
        }
        return nil
    }
}
