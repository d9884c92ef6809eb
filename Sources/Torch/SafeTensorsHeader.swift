import Files
import Foundation

/// The header of a safetensors file, checked against the number of bytes at hand.
struct SafeTensorsHeader {
    /// In bytes, a sixth of the format's own limit: read as JSON, a header takes many times its size.
    private static let largest = 16 << 20

    let metadata: [String: String]
    /// In the order of their bytes, which follow each other without a hole up to the end of the file.
    let entries: [Entry]

    /// - Throws: `FileError`, its sentence beginning with `name`.
    init(_ data: Data, name: String) throws(FileError) {
        func fail(_ cause: String) -> FileError { FileError(name, "is not a valid safetensors file: \(cause)") }
        guard data.count >= 8 else { throw fail("it has only \(data.count) bytes") }
        let length = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(Self.largest), length <= UInt64(data.count - 8) else {
            throw fail("its header claims \(length) bytes of a file of \(data.count)")
        }
        let start = data.startIndex + 8
        let body = start + Int(length)
        guard let header = try? JSONSerialization.jsonObject(with: data[start..<body]) as? [String: Any] else {
            throw fail("its header is not a JSON object")
        }

        var metadata: [String: String] = [:]
        var entries: [Entry] = []
        for (key, value) in header {
            if key == "__metadata__" {
                guard let strings = value as? [String: String] else { throw fail("its metadata are not strings") }
                metadata = strings
            } else {
                entries.append(try Entry(key, value, body: body, end: data.endIndex, fail))
            }
        }

        // The format forbids holes and overlaps, so a small file cannot name much memory.
        entries.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        var end = body
        for entry in entries {
            guard entry.range.lowerBound == end else {
                throw fail("the bytes of \(entry.name) do not follow those before")
            }
            end = entry.range.upperBound
        }
        guard end == data.endIndex else { throw fail("\(data.endIndex - end) bytes at its end belong to no tensor") }
        (self.metadata, self.entries) = (metadata, entries)
    }

    /// One tensor of the header, checked.
    struct Entry: Sendable {
        let name: String
        let dtype: DType
        let shape: [Int]
        /// Its indices in the file's data.
        let range: Range<Int>

        fileprivate init(_ name: String, _ value: Any, body: Int, end: Int, _ fail: (String) -> FileError)
            throws(FileError)
        {
            guard let fields = value as? [String: Any], let code = fields["dtype"] as? String,
                let shape = Self.integers(fields["shape"]), let offsets = Self.integers(fields["data_offsets"]),
                offsets.count == 2, shape.count <= 16
            else { throw fail("the entry of \(name) lacks a type, a shape or offsets") }
            guard let dtype = DType(safeTensors: code) else { throw fail("\(name) has the unknown type \(code)") }
            guard let count = Tensor.elementCount(shape) else {
                throw fail("\(name) has the impossible shape \(shape)")
            }
            guard 0 <= offsets[0], offsets[0] <= offsets[1], offsets[1] <= end - body else {
                throw fail("the bytes of \(name) lie outside the file, which may be cut short")
            }
            let (size, overflow) = count.multipliedReportingOverflow(by: dtype.byteCount)
            guard !overflow, size == offsets[1] - offsets[0] else {
                throw fail("\(name) has \(offsets[1] - offsets[0]) bytes for the shape \(shape) of \(code)")
            }
            (self.name, self.dtype, self.shape) = (name, dtype, shape)
            range = body + offsets[0]..<body + offsets[1]
        }

        /// A JSON array of whole numbers that fit in an Int.
        private static func integers(_ value: Any?) -> [Int]? {
            guard let numbers = value as? [NSNumber] else { return nil }
            let integers = numbers.compactMap { Int(exactly: $0) }
            return integers.count == numbers.count ? integers : nil
        }
    }
}
