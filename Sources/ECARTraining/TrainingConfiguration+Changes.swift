import ECAR
import Foundation

extension TrainingConfiguration {
    /// Reads a configuration's file and applies `key=value` changes to it before it is checked.
    ///
    /// A file may build on another one of its folder, `"base": "NAME"`, and then says only what differs. A model may be given
    /// by a preset's name, such as `"model": "E-CAR-S"`.
    ///
    /// - Parameter changes: Dotted keys; values are JSON, and where they are not, strings.
    /// - Throws: `ECARError` naming the file and the key that is wrong.
    public static func read(_ url: URL, changes: [String] = []) throws(ECARError) -> TrainingConfiguration {
        let original = try decode(try withBase(url), name: url.path)
        guard !changes.isEmpty else { return original }
        var object = try original.object()
        for change in changes {
            let (path, value) = try parse(change)
            try set(value, at: path[...], of: &object, change: change)
        }
        return try decode(object, name: "--set")
    }

    /// Reads a configuration that stands on its own.
    ///
    /// - Parameter name: The file, for messages.
    /// - Throws: `ECARError` naming the file and the key that is wrong.
    public static func read(_ data: Data, name: String) throws(ECARError) -> TrainingConfiguration {
        let configuration = try StrictJSON.decode(TrainingConfiguration.self, from: data, name: name)
        do {
            try configuration.validate()
        } catch {
            throw ECARError("\(name): \(error)")
        }
        return configuration
    }

    // MARK: Files that build on others

    private static let deepestBase = 4

    private static func withBase(_ url: URL, depth: Int = 0) throws(ECARError) -> [String: Any] {
        guard let data = try? Data(contentsOf: url) else { throw ECARError("\(url.path): cannot be read") }
        guard var object = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] else {
            throw ECARError("\(url.path): not valid JSON, or no object")
        }
        guard let base = object.removeValue(forKey: "base") else { return object }
        guard let name = base as? String, !name.contains("/"), depth < deepestBase else {
            throw ECARError("\(url.path): its \"base\" must be the name of another configuration in the same folder")
        }
        let file = url.deletingLastPathComponent().appendingPathComponent(name + ".json")
        return merge(object, over: try withBase(file, depth: depth + 1))
    }

    private static func merge(_ object: [String: Any], over base: [String: Any]) -> [String: Any] {
        base.merging(object) { below, above in
            guard let below = below as? [String: Any], let above = above as? [String: Any] else { return above }
            return merge(above, over: below)
        }
    }

    private static func decode(_ object: [String: Any], name: String) throws(ECARError) -> TrainingConfiguration {
        var object = object
        if let preset = object["model"] as? String {
            guard let model = ModelConfiguration.presets.first(where: { $0.name == preset })?.configuration else {
                throw ECARError("\(name): there is no model \"\(preset)\"")
            }
            object["model"] = try Self.object(model)
        }
        guard JSONSerialization.isValidJSONObject(object),
            let data = try? JSONSerialization.data(withJSONObject: object)
        else { throw ECARError("\(name): the values do not make valid JSON") }
        return try read(data, name: name)
    }

    /// The keys that may change while a run goes on, for they do not touch what has been computed so far.
    public static let changeableKeys: Set<String> = [
        "about", "steps", "logEvery", "sampleEvery", "checkpointEvery", "keepCheckpoints", "data.path",
        "data.autoencoder",
        "microBatches", "activationCheckpointing",
    ]

    /// The first dotted key, other than the changeable ones, in which another configuration differs.
    public func firstDifference(from other: TrainingConfiguration) throws(ECARError) -> String? {
        Self.firstDifference(try object(), try other.object(), prefix: "")
    }

    // MARK: JSON objects

    private func object() throws(ECARError) -> [String: Any] { try Self.object(self) }

    private static func object(_ value: some Encodable) throws(ECARError) -> [String: Any] {
        let data = try? StrictJSON.encode(value)
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

    /// Sets a value; whether there may be such a key is found out when the whole is decoded.
    private static func set(
        _ value: Any, at path: ArraySlice<String>, of object: inout [String: Any], change: String
    ) throws(ECARError) {
        guard let key = path.first else { return }
        guard path.count > 1 else {
            object[key] = value
            return
        }
        guard var inner = object[key].map({ $0 as? [String: Any] }) ?? [:] else {
            throw ECARError("--set \(change): \"\(key)\" has no keys of its own")
        }
        try set(value, at: path.dropFirst(), of: &inner, change: change)
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
