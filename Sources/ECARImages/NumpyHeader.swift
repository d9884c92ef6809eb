import Files
import Foundation

/// What the start of a `.npy` file says of the values behind it.
/// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
public struct NumpyHeader: Sendable, Equatable {
    /// NumPy's type string: byte order, kind and size, such as "|u1", "<i8", "<f4", ">f8".
    public let type: String
    public let shape: [Int]
    /// Whether the first index runs fastest (Fortran's order).
    public let isColumnMajor: Bool
    /// The size of the values.
    public let byteCount: Int

    /// The magic, the version, and the longest length field with what may already be text.
    static let prefixSize = 12
    /// NumPy itself refuses more than 10,000.
    private static let maximumTextSize = 1 << 16

    /// - Parameter bytes: the file's start: the prefix and as much after it as ``textSize(prefix:name:)`` says.
    /// - Throws: `FileError` if it is damaged, or the values are not plain numbers.
    init(_ bytes: [UInt8], name: String) throws(FileError) {
        func invalid(_ cause: String) -> FileError { Self.invalid(name, cause) }
        _ = try Self.textSize(prefix: bytes, name: name)
        let text = String(decoding: bytes[Self.textStart(bytes)...], as: UTF8.self)
        guard let type = Self.value(of: "descr", in: text, between: ("'", "'")),
            let order = Self.value(of: "fortran_order", in: text, between: (":", ",")),
            let sides = Self.value(of: "shape", in: text, between: ("(", ")"))
        else { throw invalid("its header lacks a field") }
        guard !type.hasPrefix("|O") else { throw invalid("it holds Python objects instead of numbers") }
        switch order.trimmingCharacters(in: .whitespaces) {
        case "True": isColumnMajor = true
        case "False": isColumnMajor = false
        default: throw invalid("its order '\(order)' is unknown")
        }
        let parts = sides.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        let shape = parts.compactMap { Int($0) }
        guard shape.count == parts.count, let byteCount = Self.byteCount(type: type, shape: shape) else {
            throw invalid("its type '\(type)' or shape (\(sides)) is not usable")
        }
        (self.type, self.shape, self.byteCount) = (type, shape, byteCount)
    }

    /// How many bytes of the header follow its first ``prefixSize``.
    static func textSize(prefix: [UInt8], name: String) throws(FileError) -> Int {
        guard prefix.starts(with: [0x93] + Array("NUMPY".utf8)), prefix.count >= prefixSize,
            (1...3).contains(prefix[6])
        else { throw invalid(name, "no header") }
        let length = prefix[8..<textStart(prefix)].reversed().reduce(0) { $0 << 8 | Int($1) }
        let size = textStart(prefix) + length - prefixSize
        guard (0...maximumTextSize).contains(size) else { throw invalid(name, "its header has \(length) bytes") }
        return size
    }

    /// Version 1 has two bytes of length, later ones four.
    private static func textStart(_ prefix: [UInt8]) -> Int { prefix[6] == 1 ? 10 : 12 }

    /// The magic, version 1.0 and header of a `.npy` file, padded to a multiple of 64 bytes.
    static func encode(type: String, shape: [Int]) -> [UInt8] {
        let sides = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(sides)), }"
        text += String(repeating: " ", count: (64 - (10 + text.utf8.count + 1) % 64) % 64) + "\n"
        let length = text.utf8.count
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + Array(text.utf8)
    }

    /// - Returns: nil if the type is not one of plain numbers, or a size is negative or too large.
    static func byteCount(type: String, shape: [Int]) -> Int? {
        let characters = Array(type)
        guard characters.count == 3, "<>|=".contains(characters[0]), "biuf".contains(characters[1]),
            let size = characters[2].wholeNumberValue, [1, 2, 4, 8].contains(size)
        else { return nil }
        var count = size
        for side in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: side)
            guard side >= 0, !overflow else { return nil }
            count = product
        }
        return count
    }

    private static func invalid(_ name: String, _ cause: String) -> FileError {
        FileError(name, "is not a usable .npy array (\(cause))")
    }

    private static func value(
        of key: String, in header: String, between marks: (open: String, close: String)
    ) -> String? {
        guard let found = header.range(of: "'\(key)'"),
            let open = header.range(of: marks.open, range: found.upperBound..<header.endIndex),
            let close = header.range(of: marks.close, range: open.upperBound..<header.endIndex)
        else { return nil }
        return String(header[open.upperBound..<close.lowerBound])
    }
}
