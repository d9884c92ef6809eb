import Files
import Foundation

/// An array of NumPy's `.npy` format, row-major.
public struct NumpyArray: Sendable, Equatable {
    /// NumPy's type string: byte order, kind and size, such as "|u1", "<i8", "<f4", "<f8".
    public let type: String
    public let shape: [Int]
    /// The values, as they lie in the file.
    public let bytes: [UInt8]

    /// - Throws: `FileError` if the type is unknown or the bytes do not fill the shape.
    public init(type: String, shape: [Int], bytes: [UInt8]) throws(FileError) {
        guard let size = Self.byteCount(type: type, shape: shape), size == bytes.count else {
            throw FileError("an array", "of type \(type) and shape \(shape) cannot have \(bytes.count) bytes")
        }
        self.type = type
        self.shape = shape
        self.bytes = bytes
    }

    /// Reads a `.npy` file of any version.
    ///
    /// - Throws: `FileError` if it is damaged, cut short, column-major, or of a type that is not plain numbers.
    package init(file: [UInt8], name: String) throws(FileError) {
        func invalid(_ cause: String) -> FileError { FileError(name, "is not a usable .npy array (\(cause))") }
        guard file.starts(with: [0x93] + Array("NUMPY".utf8)), file.count >= 12 else { throw invalid("no header") }
        let lengthSize = file[6] == 1 ? 2 : 4
        let length = file[8..<8 + lengthSize].reversed().reduce(0) { $0 << 8 | Int($1) }
        let start = 8 + lengthSize + length
        guard start <= file.count else { throw invalid("it ends inside its header") }
        let header = String(decoding: file[8 + lengthSize..<start], as: UTF8.self)
        guard let type = Self.value(of: "descr", in: header, between: ("'", "'")),
            let order = Self.value(of: "fortran_order", in: header, between: (":", ",")),
            let sides = Self.value(of: "shape", in: header, between: ("(", ")"))
        else { throw invalid("its header lacks a field") }
        guard order.trimmingCharacters(in: .whitespaces) == "False" else { throw invalid("it is column-major") }
        let parts = sides.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        let shape = parts.compactMap { Int($0) }
        guard shape.count == parts.count, let size = Self.byteCount(type: type, shape: shape) else {
            throw invalid("its type '\(type)' or shape (\(sides)) is not usable")
        }
        guard size == file.count - start else {
            throw invalid("\(file.count - start) bytes of data instead of \(size)")
        }
        self.type = type
        self.shape = shape
        bytes = Array(file[start...])
    }

    /// The magic, version 1.0 and header of a `.npy` file, padded to a multiple of 64 bytes.
    static func header(type: String, shape: [Int]) -> [UInt8] {
        let sides = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(sides)), }"
        text += String(repeating: " ", count: (64 - (10 + text.utf8.count + 1) % 64) % 64) + "\n"
        let length = text.utf8.count
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + Array(text.utf8)
    }

    /// - Returns: nil if the type is not one of plain numbers, or a size is negative or too large.
    static func byteCount(type: String, shape: [Int]) -> Int? {
        let characters = Array(type)
        guard characters.count >= 3, "<>|=".contains(characters[0]), "biuf".contains(characters[1]),
            let size = Int(String(characters[2...])), [1, 2, 4, 8].contains(size)
        else { return nil }
        var count = size
        for side in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: side)
            guard side >= 0, !overflow else { return nil }
            count = product
        }
        return count
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
