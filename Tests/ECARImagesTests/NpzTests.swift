import ECARImages
import Files
import Foundation
import Testing

@Suite struct NpzTests {
    private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures")

    /// A `.npy` file with a header as it is given.
    private func npy(_ header: String, _ bytes: [UInt8], version: UInt8 = 1) -> [UInt8] {
        let length = littleEndian(header.utf8.count, version == 1 ? 2 : 4)
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(header.utf8) + bytes
    }

    private func dictionary(_ type: String, _ shape: String, fortran: String = "False") -> String {
        "{'descr': '\(type)', 'fortran_order': \(fortran), 'shape': (\(shape)), }\n"
    }

    private func cause(_ files: [ZipEntry], _ read: (URL) throws -> Any) throws -> String {
        try withTemporaryFolder { folder in
            try write(zipArchive(files), to: folder, "x.npz")
            let error = #expect(throws: FileError.self) { try read(folder.appendingPathComponent("x.npz")) }
            return error?.cause ?? ""
        }
    }

    // MARK: Arrays

    @Test func readsOnlyTheNames() throws {
        let url = Self.fixtures.appendingPathComponent("arrays.npz")
        #expect(try readNpz(url, names: ["mu", "sigma"]).keys.sorted() == ["mu"])
        // The limit is on what is read.
        #expect(try readNpz(url, names: ["mu"], maximumBytes: 40)["mu"]?.doubles() == [0, 0.25, 0.5, 0.75, 1])
        #expect(throws: FileError.self) { try readNpz(url, names: ["mu"], maximumBytes: 39) }
        #expect(try readNpz(url, names: []).isEmpty)
    }

    @Test func listsArrays() throws {
        let found = try listNpz(Self.fixtures.appendingPathComponent("orders.npz"))
        #expect(found.keys.sorted() == ["c", "f"])
        for (name, isColumnMajor) in [("c", false), ("f", true)] {
            let header = try #require(found[name])
            #expect(header.type == "<i8" && header.shape == [2, 3, 4] && header.byteCount == 192)
            #expect(header.isColumnMajor == isColumnMajor)
        }
    }

    @Test func ordersAreTheSame() throws {
        let arrays = try readNpz(Self.fixtures.appendingPathComponent("orders.npz"))
        #expect(try arrays["c"]?.integers() == Array(0..<24))
        #expect(arrays["f"] == arrays["c"])
    }

    @Test(
        arguments: [
            ("|u1", [0, 200], [0, 200]), ("|i1", [0, 200], [0, -56]), ("<u2", [1, 2, 0, 255], [513, 65280]),
            (">u2", [1, 2, 255, 0], [258, 65280]), ("<i2", [255, 255, 0, 128], [-1, -32768]),
            (">i4", [0, 0, 1, 0, 255, 255, 255, 255], [256, -1]), ("|b1", [0, 1], [0, 1]),
            ("<u8", [7] + [UInt8](repeating: 0, count: 8) + [1, 0, 0, 0, 0, 0, 0], [7, 256]),
        ] as [(String, [UInt8], [Int])])
    func convertsWholeNumbers(type: String, bytes: [UInt8], values: [Int]) throws {
        let array = try NumpyArray(type: type, shape: [2], bytes: bytes)
        #expect(try array.integers() == values)
        #expect(try array.doubles() == values.map(Double.init))
    }

    @Test func convertsFractions() throws {
        let values = [1.5, -0.1, .infinity]
        let bytes = values.flatMap { littleEndian(Int(bitPattern: UInt(Float($0).bitPattern)), 4) }
        #expect(try NumpyArray(type: "<f4", shape: [3], bytes: bytes).doubles() == values.map { Double(Float($0)) })
        let doubles = try NumpyArray(values, shape: [3])
        #expect(try doubles.doubles() == values)
        #expect(try NumpyArray(type: ">f8", shape: [1], bytes: doubles.bytes.prefix(8).reversed()).doubles() == [1.5])
        #expect(throws: FileError.self) { try doubles.integers() }
        #expect(throws: FileError.self) { try NumpyArray(type: "<f2", shape: [1], bytes: [0, 0]).doubles() }
        let huge = [UInt8](repeating: 255, count: 8)
        #expect(throws: FileError.self) { try NumpyArray(type: "<u8", shape: [1], bytes: huge).integers() }
    }

    @Test(arguments: [1, 2, 3] as [UInt8]) func readsEveryVersion(_ version: UInt8) throws {
        let array = try NumpyArray(file: npy(dictionary("<i4", "1,"), [9, 0, 0, 0], version: version), name: "x")
        #expect(try array.integers() == [9])
    }

    // MARK: Hostile files

    @Test func refusesWhatIsNoArray() throws {
        let good = npy(dictionary("|u1", "3,"), [1, 2, 3])
        func reading(_ files: [ZipEntry]) throws -> String { try cause(files) { try readNpz($0) } }
        #expect(try reading([ZipEntry("a.npy", npy(dictionary("|O", "1,"), [1]))]).contains("Python objects"))
        #expect(try reading([ZipEntry("a.npy", npy(dictionary("<U7", "1,"), [1]))]).contains("not usable"))
        #expect(try reading([ZipEntry("a.npy", npy(dictionary("|u1", "4,"), [1]))]).contains("ends too early"))
        #expect(try reading([ZipEntry("a.npy", good + [4])]).contains("more than its header says"))
        #expect(try reading([ZipEntry("a.npy", Array(good.prefix(9)))]).contains("ends too early"))
        #expect(try reading([ZipEntry("a.npy", [])]).contains("ends too early"))
        #expect(try reading([ZipEntry("a.npy", good), ZipEntry("a.npy", good)]).contains("two arrays named 'a'"))
        #expect(try reading([ZipEntry("a.txt", good)]).contains("no .npy array"))
        #expect(try reading([]).contains("zip") || reading([]).contains("no arrays"))
    }

    /// Before any memory is taken for them.
    @Test(arguments: ["1099511627776,", "3000000000, 3000000000", "-1,", "9223372036854775807, 2"])
    func refusesPromises(shape: String) throws {
        let files = [ZipEntry("arr_0.npy", npy(dictionary("|u1", shape), [1, 2, 3]))]
        for read in [{ try readNpz($0) }, { try listNpz($0) }, { try NpzPictures($0) }] as [(URL) throws -> Any] {
            let cause = try cause(files, read)
            #expect(cause.contains("promises") || cause.contains("not usable"))
        }
        let long = npy(String(repeating: " ", count: 70_000) + dictionary("|u1", "1,"), [1], version: 2)
        #expect(try cause([ZipEntry("a.npy", long)]) { try readNpz($0) }.contains("its header has"))
    }

    @Test func refusesAZipThatHoldsMoreThanItSays() throws {
        let array = npy(dictionary("|u1", "3,"), [1, 2, 3])
        var entry = ZipEntry("a.npy", array)
        entry.size = array.count - 3
        #expect(throws: Never.self) { try withZip([ZipEntry("a.npy", array)]) { try readNpz($0) } }
        #expect(throws: FileError.self) { try withZip([entry]) { try readNpz($0) } }
        entry.size = array.count
        entry.checksum = 7
        #expect(throws: FileError.self) { try withZip([entry]) { try readNpz($0) } }
    }

    private func withZip(_ files: [ZipEntry], _ body: (URL) throws -> Any) throws {
        try withTemporaryFolder { folder in
            try write(zipArchive(files), to: folder, "x.npz")
            _ = try body(folder.appendingPathComponent("x.npz"))
        }
    }
}
