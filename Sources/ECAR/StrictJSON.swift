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
            if let key = unknownKey(given, known, declaredBy: value) {
                throw ECARError("\(name): unknown key \"\(key)\"")
            }
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
    ///
    /// - Parameter owner: The decoded value itself, whose property names also tell an absent optional from a mistake.
    private static func unknownKey(_ given: Any, _ known: Any, declaredBy owner: Any) -> String? {
        guard let given = given as? [String: Any], let known = known as? [String: Any] else { return nil }
        let properties = Dictionary(
            Mirror(reflecting: owner).children.compactMap { child in child.label.map { ($0, child.value) } }
        ) { first, _ in first }
        for key in given.keys.sorted() {
            if given[key] is NSNull, properties[key] != nil { continue }
            guard let value = given[key], let counterpart = known[key] else { return key }
            guard let property = properties[key] else { continue }
            if let inner = unknownKey(value, counterpart, declaredBy: unwrapped(property)) { return "\(key).\(inner)" }
        }
        return nil
    }

    /// What an optional holds, so that its properties can be looked at.
    private static func unwrapped(_ value: Any) -> Any {
        let mirror = Mirror(reflecting: value)
        return mirror.displayStyle == .optional ? mirror.children.first?.value ?? value : value
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
                ? "not valid JSON, or a number that does not fit (\(context.debugDescription))"
                : "the value of \"\(path(context))\" is not one of those possible"
        @unknown default: return "\(error)"
        }
    }
}
