import Files
import Foundation

/// Named tensors of a safetensors file: 8 bytes of header length (little-endian), a JSON header, then the tensors' bytes.
/// https://github.com/huggingface/safetensors
public struct SafeTensors {
    public var tensors: [String: Tensor]
    /// The header's `__metadata__`.
    public var metadata: [String: String]

    // MARK: Reading

    /// Reads a file.
    ///
    /// - Throws: `FileError` where the file cannot be read or breaks the format.
    public static func read(_ url: URL) throws -> SafeTensors {
        guard let data = try? Data(contentsOf: url, options: .mappedIfSafe) else {
            throw FileError(url.path, "cannot be read")
        }
        return try parse(data, name: url.path)
    }

    /// Parses a file's bytes. Everything is checked against the number of bytes at hand before memory is taken for it.
    ///
    /// - Throws: `FileError`, its sentence beginning with `name`.
    public static func parse(_ data: Data, name: String) throws -> SafeTensors {
        let header = try SafeTensorsHeader(data, name: name)
        var result = SafeTensors(tensors: [:], metadata: header.metadata)
        for entry in header.entries {
            result.tensors[entry.name] = try data[entry.range].withUnsafeBytes {
                try Tensor(copying: $0, shape: entry.shape, dtype: entry.dtype)
            }
        }
        return result
    }

    // MARK: Writing

    /// Writes tensors under their names, in the given order; the file appears once it is whole.
    ///
    /// - Throws: `FileError` where the file cannot be written.
    public static func write(_ tensors: [(String, Tensor)], metadata: [String: String] = [:], to url: URL) throws {
        var header: [String: Any] = metadata.isEmpty ? [:] : ["__metadata__": metadata]
        var offset = 0
        for (name, tensor) in tensors {
            let end = offset + tensor.count * tensor.dtype.byteCount
            header[name] = [
                "dtype": tensor.dtype.safeTensors, "shape": tensor.shape, "data_offsets": [offset, end],
            ]
            offset = end
        }
        var json = try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys, .withoutEscapingSlashes])
        while !json.count.isMultiple(of: 8) { json.append(UInt8(ascii: " ")) }

        let file = try AtomicFile(url)
        try file.write(withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) })
        try file.write(json)
        for (_, tensor) in tensors { try file.write(tensor.bytes()) }
        try file.commit()
    }
}

extension DType {
    private static let safeTensorNames: [(DType, String)] = [
        (.uint8, "U8"), (.int32, "I32"), (.int64, "I64"), (.float16, "F16"), (.bfloat16, "BF16"), (.float32, "F32"),
        (.float64, "F64"), (.bool, "BOOL"),
    ]

    /// The type's name in a safetensors header.
    var safeTensors: String { Self.safeTensorNames.first { $0.0 == self }?.1 ?? "F32" }

    init?(safeTensors name: String) {
        guard let match = Self.safeTensorNames.first(where: { $0.1 == name }) else { return nil }
        self = match.0
    }
}
