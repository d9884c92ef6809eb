import Files

/// An array of NumPy's `.npy` format, row-major.
public struct NumpyArray: Sendable, Equatable {
    /// NumPy's type string: byte order, kind and size, such as "|u1", "<i8", "<f4", "<f8".
    public let type: String
    public let shape: [Int]
    /// The values, as they lie in the file.
    public let bytes: [UInt8]

    /// - Throws: `FileError` if the type is unknown or the bytes do not fill the shape.
    public init(type: String, shape: [Int], bytes: [UInt8]) throws(FileError) {
        guard let size = NumpyHeader.byteCount(type: type, shape: shape), size == bytes.count else {
            throw FileError("an array", "of type \(type) and shape \(shape) cannot have \(bytes.count) bytes")
        }
        self.type = type
        self.shape = shape
        self.bytes = bytes
    }

    /// An array of "<f8".
    ///
    /// - Throws: `FileError` if the values do not fill the shape.
    public init(_ values: [Double], shape: [Int]) throws(FileError) {
        let bits = values.map(\.bitPattern.littleEndian)
        try self.init(type: "<f8", shape: shape, bytes: bits.withUnsafeBytes { Array($0) })
    }

    /// Reads a `.npy` file of any version.
    ///
    /// - Throws: `FileError` if it is damaged, cut short, or of a type that is not plain numbers.
    package init(file: [UInt8], name: String) throws(FileError) {
        let prefix = Array(file.prefix(NumpyHeader.prefixSize))
        let start = prefix.count + (try NumpyHeader.textSize(prefix: prefix, name: name))
        guard start <= file.count else { throw FileError(name, "is not a usable .npy array (it ends too early)") }
        let header = try NumpyHeader(Array(file[..<start]), name: name)
        guard header.byteCount == file.count - start else {
            throw FileError(
                name, "is not a usable .npy array (\(file.count - start) bytes of data instead of \(header.byteCount))")
        }
        try self.init(header, bytes: Array(file[start...]))
    }

    /// Takes the values behind a header.
    init(_ header: NumpyHeader, bytes: [UInt8]) throws(FileError) {
        let rows = header.isColumnMajor && header.shape.count > 1
        try self.init(
            type: header.type, shape: header.shape,
            bytes: rows ? Self.rowMajor(bytes, shape: header.shape) : bytes)
    }

    /// Puts elements into the order in which the last index runs fastest.
    private static func rowMajor(_ bytes: [UInt8], shape: [Int]) -> [UInt8] {
        let count = shape.reduce(1, *)
        guard count > 0 else { return bytes }
        let size = bytes.count / count
        var strides: [Int] = []
        var stride = size
        for side in shape {
            strides.append(stride)
            stride *= side
        }
        return [UInt8](unsafeUninitializedCapacity: bytes.count) { target, used in
            var index = [Int](repeating: 0, count: shape.count)
            var source = 0
            for element in 0..<count {
                for byte in 0..<size { target[element * size + byte] = bytes[source + byte] }
                for dimension in shape.indices.reversed() {
                    index[dimension] += 1
                    source += strides[dimension]
                    if index[dimension] < shape[dimension] { break }
                    source -= strides[dimension] * shape[dimension]
                    index[dimension] = 0
                }
            }
            used = bytes.count
        }
    }
}

// MARK: - Numbers

extension NumpyArray {
    /// The values, whatever their type and byte order.
    ///
    /// - Throws: `FileError` for half precision.
    public func doubles() throws(FileError) -> [Double] {
        switch type.dropFirst() {
        case "f4": return elements { Double(Float(bitPattern: $0)) }
        case "f8": return elements { Double(bitPattern: $0) }
        default: return try integers().map(Double.init)
        }
    }

    /// The values of an array of whole numbers.
    ///
    /// - Throws: `FileError` if they are of another type, or too large.
    public func integers() throws(FileError) -> [Int] {
        switch type.dropFirst() {
        case "b1", "u1": return bytes.map(Int.init)
        case "i1": return bytes.map { Int(Int8(bitPattern: $0)) }
        case "u2": return elements { (value: UInt16) in Int(value) }
        case "i2": return elements { (value: Int16) in Int(value) }
        case "u4": return elements { (value: UInt32) in Int(value) }
        case "i4": return elements { (value: Int32) in Int(value) }
        case "i8": return elements { (value: Int64) in Int(value) }
        case "u8":
            let values = elements { (value: UInt64) in Int(exactly: value) }
            guard !values.contains(nil) else { throw FileError("an array", "holds numbers of more than 63 bits") }
            return values.compactMap(\.self)
        default: throw FileError("an array", "of type \(type) has no whole numbers that can be read")
        }
    }

    private func elements<Raw: FixedWidthInteger, Value>(_ convert: (Raw) -> Value) -> [Value] {
        let size = MemoryLayout<Raw>.size
        let isBigEndian = type.hasPrefix(">")
        return bytes.withUnsafeBytes { buffer in
            (0..<buffer.count / size).map { i in
                let raw = buffer.loadUnaligned(fromByteOffset: i * size, as: Raw.self)
                return convert(isBigEndian ? Raw(bigEndian: raw) : Raw(littleEndian: raw))
            }
        }
    }
}
