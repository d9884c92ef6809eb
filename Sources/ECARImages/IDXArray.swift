import Files

/// An array in the IDX format of the MNIST data sets: two zero bytes, the type (8: unsigned byte), the number of
/// dimensions, each size as a big-endian 32-bit number, then the values.
package struct IDXArray: Sendable, Equatable {
    package let shape: [Int]
    /// The whole file; the values begin at `start`.
    let bytes: [UInt8]
    let start: Int

    /// Whether the bytes begin as an IDX file of grey pictures does.
    static func isImages(_ bytes: some Collection<UInt8>) -> Bool { bytes.starts(with: [0, 0, 8, 3]) }

    /// - Parameter bytes: a whole IDX file.
    /// - Throws: `FileError` unless it has the dimensions asked for and exactly the values that its header promises.
    init(_ bytes: [UInt8], dimensions: Int, name: String) throws(FileError) {
        let (shape, start, size) = try Self.header(bytes, dimensions: dimensions, name: name)
        guard bytes.count == size else {
            throw FileError(name, "has \(bytes.count) bytes, but its header promises \(size)")
        }
        self.shape = shape
        self.bytes = bytes
        self.start = start
    }

    /// Reads a file that may be gzip.
    ///
    /// The size in the header bounds what is decompressed, and what gzip can at most expand to bounds that size.
    package init(file bytes: [UInt8], dimensions: Int, name: String) throws(FileError) {
        guard isGzip(bytes) else {
            try self.init(bytes, dimensions: dimensions, name: name)
            return
        }
        let start = try gunzipPrefix(bytes, count: 4 + 4 * dimensions, name: name)
        let size = try Self.header(start, dimensions: dimensions, name: name).size
        guard size / 1032 <= bytes.count else {
            throw FileError(name, "promises \(size) bytes in its header, more than it can hold")
        }
        try self.init(try gunzip(bytes, limit: size, name: name), dimensions: dimensions, name: name)
    }

    /// - Returns: the sizes, where the values start, and how long the file must be, in bytes.
    private static func header(
        _ bytes: [UInt8], dimensions: Int, name: String
    ) throws(FileError) -> (shape: [Int], start: Int, size: Int) {
        let start = 4 + 4 * dimensions
        guard bytes.starts(with: [0, 0, 8, UInt8(dimensions)]) else {
            throw FileError(
                name, "is not an IDX file of unsigned bytes in \(dimensions) dimension\(dimensions == 1 ? "" : "s")")
        }
        guard bytes.count >= start else { throw FileError(name, "ends inside its header") }
        var shape: [Int] = []
        var size = start
        var values = 1
        for dimension in 0..<dimensions {
            let field = bytes[4 + 4 * dimension..<8 + 4 * dimension]
            let side = field.reduce(0) { $0 << 8 | Int($1) }
            let (product, overflow) = values.multipliedReportingOverflow(by: side)
            guard !overflow, product < 1 << 40 else { throw FileError(name, "has an impossible header") }
            shape.append(side)
            values = product
        }
        size += values
        return (shape, start, size)
    }
}
