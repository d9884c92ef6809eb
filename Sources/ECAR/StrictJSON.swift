import Foundation

/// JSON configurations, read strictly: a key that means nothing is an error, not a silently ignored wish.
public enum StrictJSON {
    /// Decodes a configuration.
    ///
    /// - Parameter name: The file, for messages.
    /// - Throws: ``ECARError`` naming the key that is unknown, missing or of another type.
    public static func decode<Value: Codable>(_ type: Value.Type, from data: Data, name: String) throws(ECARError)
        -> Value
    {
        do {
            let value = try JSONDecoder().decode(type, from: data)
            let given = try JSONSerialization.jsonObject(with: data)
            let known = try JSONSerialization.jsonObject(with: JSONEncoder().encode(value))
            if let key = unknownKey(given, known) { throw ECARError("\(name): unknown key \"\(key)\"") }
            return value
        } catch let error as ECARError {
            throw error
        } catch let error as DecodingError {
            throw ECARError("\(name): \(sentence(error))")
        } catch {
            throw ECARError("\(name): \(error.localizedDescription)")
        }
    }

    /// Encodes a configuration for people to read: indented, keys sorted.
    public static func encode<Value: Encodable>(_ value: Value) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value) + Data("\n".utf8)
    }

    /// The first key, as a dotted path, that `given` has and a round trip through the type has not.
    private static func unknownKey(_ given: Any, _ known: Any) -> String? {
        if let given = given as? [String: Any], let known = known as? [String: Any] {
            for key in given.keys.sorted() where !(given[key] is NSNull) {
                guard let value = given[key], let counterpart = known[key] else { return key }
                if let inner = unknownKey(value, counterpart) { return "\(key).\(inner)" }
            }
        } else if let given = given as? [Any], let known = known as? [Any] {
            for (a, b) in zip(given, known) {
                if let inner = unknownKey(a, b) { return inner }
            }
        }
        return nil
    }

    private static func sentence(_ error: DecodingError) -> String {
        func path(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
            (context.codingPath + (last.map { [$0] } ?? []))
                .map { key in key.intValue.map { "[\($0)]" } ?? key.stringValue }.joined(separator: ".")
        }
        switch error {
        case .keyNotFound(let key, let context): return "the key \"\(path(context, key))\" is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "the value of \"\(path(context))\" has the wrong type"
        case .dataCorrupted(let context):
            return context.codingPath.isEmpty
                ? "not valid JSON" : "the value of \"\(path(context))\" is not one of those possible"
        @unknown default: return "\(error)"
        }
    }
}
