import ECARImages
import Foundation
import Testing

/// A folder for one test, removed after it.
func withTemporaryFolder<T>(_ body: (URL) throws -> T) throws -> T {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ecar-images-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}

func write(_ bytes: [UInt8], to folder: URL, _ path: String) throws {
    let url = folder.appendingPathComponent(path)
    try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
}

// MARK: - Fixtures

func fixture(_ name: String) throws -> [UInt8] {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")
    return [UInt8](try Data(contentsOf: url.appendingPathComponent(name)))
}

private struct Expected: Decodable {
    let width: Int
    let height: Int
    let channels: Int
    let pixels: Data
}

/// What Pillow and NumPy say a fixture holds.
func expectedImage(_ name: String) throws -> Image {
    let all = try JSONDecoder().decode([String: Expected].self, from: Data(try fixture("expected.json")))
    let one = try #require(all[name])
    return try Image(width: one.width, height: one.height, channels: one.channels, pixels: [UInt8](one.pixels))
}

func largestDifference(_ a: Image, _ b: Image) -> Int {
    guard a.width == b.width, a.height == b.height, a.channels == b.channels else { return .max }
    return zip(a.pixels, b.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
}

/// A picture that differs with its number.
func picture(_ number: Int, side: Int = 8, channels: Int = 3) throws -> Image {
    var generator = SplitMix64(mixing: 17, UInt64(number))
    let pixels = (0..<side * side * channels).map { _ in UInt8(generator.below(256)) }
    return try Image(width: side, height: side, channels: channels, pixels: pixels)
}

// MARK: - File formats

func bigEndian(_ value: Int) -> [UInt8] { (0..<4).reversed().map { UInt8(value >> (8 * $0) & 255) } }

func littleEndian(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(value >> (8 * $0) & 255) } }

func idx(_ shape: [Int], _ values: [UInt8]) -> [UInt8] {
    [0, 0, 8, UInt8(shape.count)] + shape.flatMap(bigEndian) + values
}

func crc32(_ bytes: [UInt8]) -> UInt32 {
    var crc: UInt32 = ~0
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    return ~crc
}

/// A gzip member of stored blocks.
func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    var rest = bytes[...]
    repeat {
        let part = rest.prefix(65_535)
        rest = rest.dropFirst(65_535)
        result += [rest.isEmpty ? 1 : 0] + littleEndian(part.count, 2) + littleEndian(~part.count, 2) + part
    } while !rest.isEmpty
    return result + littleEndian(Int(crc32(bytes)), 4) + littleEndian(bytes.count, 4)
}

struct TarEntry {
    var path: String
    var bytes: [UInt8] = []
    /// "0" file, "1" hard link, "2" symbolic link, "3" device, "5" folder
    var type: Character = "0"
    var link = ""
}

func tar(_ entries: [TarEntry]) -> [UInt8] {
    var result: [UInt8] = []
    for entry in entries {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at start: Int) {
            for (i, byte) in text.utf8.enumerated() { header[start + i] = byte }
        }
        put(entry.path, at: 0)
        put("0000644", at: 100)
        put("0000000", at: 108)
        put("0000000", at: 116)
        put(octal(entry.bytes.count, 11), at: 124)
        put("00000000000", at: 136)
        put("        ", at: 148)
        put(String(entry.type), at: 156)
        put(entry.link, at: 157)
        put("ustar\0" + "00", at: 257)
        put(octal(header.reduce(0) { $0 + Int($1) }, 6) + "\0", at: 148)
        result += header + entry.bytes
        result += [UInt8](repeating: 0, count: (512 - entry.bytes.count % 512) % 512)
    }
    return result + [UInt8](repeating: 0, count: 1024)
}

private func octal(_ value: Int, _ digits: Int) -> String {
    let text = String(value, radix: 8)
    return String(repeating: "0", count: digits - text.count) + text
}

/// Replaces, inserts, removes or cuts off bytes.
func mutated(_ bytes: [UInt8], using generator: inout SplitMix64) -> [UInt8] {
    var result = bytes
    for _ in 0...generator.below(4) where !result.isEmpty {
        let place = generator.below(result.count)
        switch generator.below(6) {
        case 0: result.removeSubrange(place...)
        case 1: result.remove(at: place)
        case 2: result.insert(UInt8(generator.below(256)), at: place)
        case 3: result[place] = generator.below(2) == 0 ? 0 : 255
        default: result[place] = UInt8(generator.below(256))
        }
    }
    return result
}

// MARK: - zip

struct ZipEntry {
    var path: String
    var bytes: [UInt8]
    /// What the headers say, where it differs.
    var size: Int
    var checksum: UInt32

    init(_ path: String, _ bytes: [UInt8]) {
        (self.path, self.bytes, size, checksum) = (path, bytes, bytes.count, crc32(bytes))
    }
}

/// A zip of uncompressed files.
func zipArchive(_ entries: [ZipEntry]) -> [UInt8] {
    var result: [UInt8] = []
    var directory: [UInt8] = []
    for entry in entries {
        let sizes = littleEndian(Int(entry.checksum), 4) + littleEndian(entry.bytes.count, 4)
        let common =
            [20, 0, 0, 0, 0, 0, 0, 0, 33, 0] + sizes + littleEndian(entry.size, 4)
            + littleEndian(entry.path.utf8.count, 2) + [0, 0]
        directory += Array("PK\u{1}\u{2}".utf8) + [20, 0] + common + [UInt8](repeating: 0, count: 10)
        directory += littleEndian(result.count, 4) + Array(entry.path.utf8)
        result += Array("PK\u{3}\u{4}".utf8) + common + Array(entry.path.utf8) + entry.bytes
    }
    let end =
        Array("PK\u{5}\u{6}".utf8) + [0, 0, 0, 0] + littleEndian(entries.count, 2) + littleEndian(entries.count, 2)
        + littleEndian(directory.count, 4) + littleEndian(result.count, 4) + [0, 0]
    return result + directory + end
}
