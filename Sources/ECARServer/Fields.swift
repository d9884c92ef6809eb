/// The fields of a JSON object.
///
/// Strict ones must all mean something: one that is unknown, or null, is an error and not a wish that nobody hears. Lenient
/// ones are for clients of other servers, which send fields that have no meaning here, and null for what they leave open.
struct Fields<Key: CodingKey & CaseIterable> {
    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private let container: KeyedDecodingContainer<Key>
    private let isStrict: Bool

    /// - Throws: ``APIError`` naming the first unknown field, in the order of the alphabet, where `isStrict`.
    init(_ decoder: any Decoder, isStrict: Bool) throws {
        if isStrict {
            let known = Set(Key.allCases.map(\.stringValue))
            let given = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
            if let unknown = given.filter({ !known.contains($0) }).min() {
                let name = String(unknown.prefix(64))
                throw APIError.invalid("there is no field \(name)", param: name, code: "unknown_field")
            }
        }
        container = try decoder.container(keyedBy: Key.self)
        self.isStrict = isStrict
    }

    func has(_ key: Key) -> Bool { container.contains(key) }

    func value<Value: Decodable>(_ key: Key, as type: Value.Type = Value.self) throws -> Value {
        try container.decode(type, forKey: key)
    }

    /// nil where the field is absent.
    func optional<Value: Decodable>(_ key: Key, as type: Value.Type = Value.self) throws -> Value? {
        guard isStrict else { return try container.decodeIfPresent(type, forKey: key) }
        return has(key) ? try value(key, as: type) : nil
    }

    /// - Throws: ``APIError`` that lists the choices, where the value is none of them.
    func choice<Value: RawRepresentable & CaseIterable>(
        _ key: Key, of type: Value.Type = Value.self
    ) throws -> Value? where Value.RawValue == String {
        guard let text = try optional(key, as: String.self) else { return nil }
        guard let value = Value(rawValue: text) else {
            let choices = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw APIError.invalid(
                "\(key.stringValue) must be one of \(choices)", param: key.stringValue, code: "wrong_value")
        }
        return value
    }
}

/// - Parameter name: The field that the number came in.
/// - Throws: ``APIError`` where the number is outside of `range`.
func check(_ name: String, _ number: Int, in range: ClosedRange<Int>) throws(APIError) {
    guard range.contains(number) else {
        throw .invalid(
            "\(name) must be \(range.lowerBound)…\(range.upperBound), not \(number)", param: name, code: "out_of_range")
    }
}
