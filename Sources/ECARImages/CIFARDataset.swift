import Files
import Foundation

/// CIFAR-10's binary version, held in memory: records of one label byte and 3072 bytes of colour planes (3, 32, 32).
struct CIFARDataset: ImageDataset {
    let name: String
    let classNames: [String]
    private let records: [UInt8]

    private static let side = 32
    private static let recordSize = 1 + 3 * side * side
    /// The order of CIFAR-10's own `batches.meta.txt`.
    private static let standardNames = [
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ]

    /// - Parameter records: one or more whole records.
    /// - Throws: `FileError` if a record is cut short or a label is out of range.
    init(records: [UInt8], classNames: [String]? = nil, name: String) throws(FileError) {
        guard !records.isEmpty else { throw FileError(name, "holds no images") }
        guard records.count % Self.recordSize == 0 else {
            throw FileError(
                name,
                "is not CIFAR-10's binary version (\(records.count) bytes are not a multiple of "
                    + "\(Self.recordSize))")
        }
        let names = classNames ?? Self.standardNames
        for start in stride(from: 0, to: records.count, by: Self.recordSize) where records[start] >= names.count {
            throw FileError(
                name, "has the label \(records[start]) at byte \(start), but there are \(names.count) classes")
        }
        self.records = records
        self.classNames = names
        self.name = name
    }

    /// - Returns: nil if the tree holds no CIFAR-10 batches.
    init?(tree: some FileTree, split: DatasetSplit?) throws(FileError) {
        guard Self.splits(in: tree) != nil else { return nil }
        let wanted = split ?? .train
        let chosen = tree.paths.indices.filter { Self.split(of: tree.paths[$0]) == wanted }
        guard !chosen.isEmpty else {
            throw FileError(tree.name, "has no CIFAR-10 batches for the split '\(wanted.rawValue)'")
        }
        var records: [UInt8] = []
        for index in chosen {
            let batch = try tree.contents(of: index, limit: 1 << 30)
            guard batch.count % Self.recordSize == 0 else {
                throw FileError(tree.name(of: index), "is cut short or not CIFAR-10's binary version")
            }
            records += batch
        }
        var names: [String]?
        if let meta = tree.paths.indices.first(where: { Self.fileName(tree.paths[$0]) == "batches.meta.txt" }) {
            names = Self.names(in: try tree.contents(of: meta, limit: 1 << 20))
        }
        try self.init(records: records, classNames: names, name: tree.name)
    }

    /// Opens one batch file, with the names beside it if they are there.
    init(file url: URL, split: DatasetSplit?) throws(FileError) {
        guard split == nil else {
            throw FileError(url.path, "is a single file without splits", remedy: "Leave the split out")
        }
        let meta = url.deletingLastPathComponent().appendingPathComponent("batches.meta.txt")
        var names: [String]?
        if FileManager.default.fileExists(atPath: meta.path) {
            names = Self.names(in: try InputFile(meta).contents(limit: 1 << 20))
        }
        try self.init(records: try InputFile(url).contents(limit: 1 << 30), classNames: names, name: url.path)
    }

    /// - Returns: nil if the tree holds no CIFAR-10 batches.
    static func splits(in tree: some FileTree) -> Set<DatasetSplit>? {
        let found = Set(tree.paths.compactMap(split(of:)))
        return found.isEmpty ? nil : found
    }

    /// The split whose batch lies at a path.
    private static func split(of path: String) -> DatasetSplit? {
        let file = fileName(path)
        guard file.hasSuffix(".bin") else { return nil }
        return file.hasPrefix("data_batch") ? .train : file.hasPrefix("test_batch") ? .test : nil
    }

    private static func fileName(_ path: String) -> Substring { path.split(separator: "/").last ?? "" }

    private static func names(in bytes: [UInt8]) -> [String]? {
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        return lines.isEmpty ? nil : lines
    }

    var count: Int { records.count / Self.recordSize }

    func label(_ index: Int) -> Int { Int(records[index * Self.recordSize]) }

    func image(_ index: Int) throws(FileError) -> Image {
        let start = index * Self.recordSize + 1
        let planes = Array(records[start..<start + Self.recordSize - 1])  // (3, 32, 32)
        return try Image(planes: planes, channels: 3, height: Self.side, width: Self.side)
    }
}
