import Files
import Foundation

/// Named tensors of a safetensors file: 8 bytes of header length (little-endian), a JSON header, then the tensors' bytes.
/// https://github.com/huggingface/safetensors
public struct SafeTensors {
    public var tensors: [String: Tensor]
    /// The header's `__metadata__`.
    public var metadata: [String: String]

    /// The format's own limit of the header.
    static let largestHeader = 100_000_000

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
        func fail(_ cause: String) -> FileError { FileError(name, "is not a valid safetensors file: \(cause)") }
        guard data.count >= 8 else { throw fail("it has only \(data.count) bytes") }
        let length = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(largestHeader), length <= UInt64(data.count - 8) else {
            throw fail("its header claims \(length) bytes of a file of \(data.count)")
        }
        let start = data.startIndex + 8
        let body = start + Int(length)
        guard let header = try? JSONSerialization.jsonObject(with: data[start..<body]) as? [String: Any] else {
            throw fail("its header is not a JSON object")
        }

        var result = SafeTensors(tensors: [:], metadata: [:])
        var entries: [Entry] = []
        for (key, value) in header {
            if key == "__metadata__" {
                guard let metadata = value as? [String: String] else { throw fail("its metadata are not strings") }
                result.metadata = metadata
            } else {
                entries.append(try Entry(key, value, bytes: data.endIndex - body, fail))
            }
        }

        // The format forbids holes and overlaps, so a small file cannot name much memory.
        entries.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        var end = 0
        for entry in entries {
            guard entry.range.lowerBound == end else {
                throw fail("the bytes of \(entry.name) do not follow those before")
            }
            end = entry.range.upperBound
        }
        guard end == data.endIndex - body else {
            throw fail("\(data.endIndex - body - end) bytes at its end belong to no tensor")
        }
        for entry in entries {
            let bytes = data[(body + entry.range.lowerBound)..<(body + entry.range.upperBound)]
            result.tensors[entry.name] = try bytes.withUnsafeBytes {
                try Tensor(copying: $0, shape: entry.shape, dtype: entry.dtype)
            }
        }
        return result
    }

    /// One tensor of the header, checked.
    private struct Entry {
        let name: String
        let dtype: DType
        let shape: [Int]
        let range: Range<Int>

        init(_ name: String, _ value: Any, bytes: Int, _ fail: (String) -> FileError) throws {
            guard let fields = value as? [String: Any], let code = fields["dtype"] as? String,
                let shape = Self.integers(fields["shape"]), let offsets = Self.integers(fields["data_offsets"]),
                offsets.count == 2, shape.count <= 16
            else { throw fail("the entry of \(name) lacks a type, a shape or offsets") }
            guard let dtype = DType(safeTensors: code) else { throw fail("\(name) has the unknown type \(code)") }
            guard let count = Tensor.elementCount(shape) else {
                throw fail("\(name) has the impossible shape \(shape)")
            }
            guard 0 <= offsets[0], offsets[0] <= offsets[1], offsets[1] <= bytes else {
                throw fail("the bytes of \(name) lie outside the file, which may be cut short")
            }
            let (size, overflow) = count.multipliedReportingOverflow(by: dtype.byteCount)
            guard !overflow, size == offsets[1] - offsets[0] else {
                throw fail("\(name) has \(offsets[1] - offsets[0]) bytes for the shape \(shape) of \(code)")
            }
            (self.name, self.dtype, self.shape, range) = (name, dtype, shape, offsets[0]..<offsets[1])
        }

        /// A JSON array of whole numbers that fit in an Int.
        private static func integers(_ value: Any?) -> [Int]? {
            guard let numbers = value as? [NSNumber] else { return nil }
            let integers = numbers.compactMap { Int(exactly: $0) }
            return integers.count == numbers.count ? integers : nil
        }
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
