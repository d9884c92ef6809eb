import Files
import Foundation
import Testing
import Torch

@Suite struct MappedSafeTensorsTests {
    private func map(_ data: Data) throws -> MappedSafeTensors {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).safetensors")
        defer { try? FileManager.default.removeItem(at: url) }
        try data.write(to: url)
        // What is mapped stays after its name is gone.
        return try MappedSafeTensors(url)
    }

    @Test func bytesAreThoseOfTheReadTensors() throws {
        let data = try SafeTensorsTests.sample()
        let mapped = try map(data)
        let read = try SafeTensors.parse(data, name: "sample")
        #expect(mapped.tensorNames == read.tensors.keys.sorted())
        #expect(mapped.metadata == read.metadata)
        #expect(mapped.byteCount == data.count)
        for (name, tensor) in read.tensors {
            #expect(mapped.shape(of: name) == tensor.shape)
            #expect(mapped.dtype(of: name) == tensor.dtype)
            #expect(try mapped.withBytes(of: name) { Array($0) } == tensor.bytes())
        }
        #expect(mapped.shape(of: "none") == nil)
        #expect(mapped.withBytes(of: "none") { $0.count } == 0)
    }

    /// A file larger than any memory, all of it a hole.
    @Test func openingReadsTheHeaderAlone() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).safetensors")
        defer { try? FileManager.default.removeItem(at: url) }
        let size = 1 << 40
        let header = #"{"a":{"dtype":"U8","shape":[\#(size)],"data_offsets":[0,\#(size)]}}"#
        try (withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) } + Data(header.utf8)).write(
            to: url)
        let file = try FileHandle(forWritingTo: url)
        try file.truncate(atOffset: UInt64(8 + header.utf8.count + size))
        try file.close()
        let mapped = try MappedSafeTensors(url)
        #expect(mapped.withBytes(of: "a") { $0.count } == size)
        #expect(mapped.withBytes(of: "a") { $0[size - 1] } == 0)
    }

    @Test func everyTruncationIsAnError() throws {
        let data = try SafeTensorsTests.sample()
        for length in 0..<data.count {
            let error = #expect(throws: FileError.self) { try map(data.prefix(length)) }
            #expect(error?.file.hasSuffix(".safetensors") == true)
        }
    }

    @Test func aMissingFileIsAnError() {
        let error = #expect(throws: FileError.self) {
            try MappedSafeTensors(URL(fileURLWithPath: "/nonexistent.safetensors"))
        }
        #expect(error?.cause == "cannot be read")
    }
}
