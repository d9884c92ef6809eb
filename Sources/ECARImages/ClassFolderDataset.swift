import Files

/// A file's place in a tree of class folders.
struct ImagePath {
    let index: Int
    let folders: [Substring]

    /// - Returns: nil if the name is not that of a PNG or JPEG.
    init?(_ path: String, index: Int) {
        guard Self.hasImageExtension(path) else { return nil }
        self.index = index
        folders = path.split(separator: "/").dropLast()
    }

    static func hasImageExtension(_ path: String) -> Bool {
        guard let dot = path.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
        return ["png", "jpg", "jpeg"].contains(path[path.index(after: dot)...].lowercased())
    }
}

/// PNG and JPEG files in one folder for each class, perhaps below `train`, `valid` and `test`.
///
/// Classes are numbered in the order of their names (as numbers, if all are) over all splits, so that a class has the
/// same number in each. Pictures are in the order of class and path. A folder of pictures alone is one class.
struct ClassFolderDataset: ImageDataset {
    let name: String
    let classNames: [String]
    private let tree: any FileTree
    private let items: [(index: Int, label: Int)]

    /// - Throws: `FileError` if there are no pictures, no such split, or pictures at unequal depths.
    init(tree: some FileTree, split: DatasetSplit?) throws(FileError) {
        let images = Self.images(in: tree)
        guard !images.isEmpty else { throw FileError(tree.name, "holds no PNG or JPEG files") }
        var depth = Self.commonDepth(images)

        var chosen = images
        let isSplit = images.contains { Self.split(of: $0, at: depth) != nil }
        var classFolders = images
        if isSplit {
            classFolders = images.filter { Self.split(of: $0, at: depth) != nil }
            chosen = classFolders.filter { Self.split(of: $0, at: depth) == split ?? .train }
            depth += 1
        }
        guard isSplit || split == nil else {
            throw FileError(
                tree.name, "has no split folders such as 'train' and 'test'", remedy: "Leave the split out")
        }
        guard !chosen.isEmpty else {
            throw FileError(tree.name, "has no pictures for the split '\((split ?? .train).rawValue)'")
        }

        let isFlat = classFolders.allSatisfy { $0.folders.count == depth }
        if !isFlat, let stray = classFolders.first(where: { $0.folders.count == depth }) {
            throw FileError(tree.name(of: stray.index), "lies beside class folders, not in one")
        }
        let folders = Set(classFolders.map { $0.folders.count > depth ? String($0.folders[depth]) : "images" })
        classNames = Self.sorted(folders)
        var labels: [Substring: Int] = [:]
        for (label, folder) in classNames.enumerated() { labels[Substring(folder)] = label }
        let items = chosen.map { ($0.index, isFlat ? 0 : labels[$0.folders[depth]] ?? 0) }
        // Paths come sorted; the sort by label keeps their order.
        self.items = items.enumerated().sorted { ($0.element.1, $0.offset) < ($1.element.1, $1.offset) }.map(\.element)
        self.tree = tree
        name = tree.name
    }

    static func splits(in tree: some FileTree) -> Set<DatasetSplit> {
        let images = images(in: tree)
        let depth = commonDepth(images)
        return Set(images.compactMap { split(of: $0, at: depth) })
    }

    private static func images(in tree: some FileTree) -> [ImagePath] {
        tree.paths.enumerated().compactMap { ImagePath($1, index: $0) }
    }

    var count: Int { items.count }

    func label(_ index: Int) -> Int { items[index].label }

    func image(_ index: Int) throws(FileError) -> Image {
        let file = items[index].index
        return try Image.decode(
            try tree.contents(of: file, limit: Image.maximumFileSize), name: tree.name(of: file))
    }

    /// How many leading folders all pictures share, such as the archive's own top folder. One level is left for the
    /// classes, and a split folder is never passed over.
    private static func commonDepth(_ images: [ImagePath]) -> Int {
        guard let first = images.first else { return 0 }
        var depth = 0
        while let folder = first.folders.dropFirst(depth).first,
            images.allSatisfy({ $0.folders.count >= depth + 2 && $0.folders[depth] == folder }),
            DatasetSplit(name: folder) == nil
        {
            depth += 1
        }
        return depth
    }

    /// The split that a picture belongs to. A folder called "test" with pictures right in it is a class.
    private static func split(of image: ImagePath, at depth: Int) -> DatasetSplit? {
        image.folders.count >= depth + 2 ? DatasetSplit(name: image.folders[depth]) : nil
    }

    private static func sorted(_ names: Set<String>) -> [String] {
        let numbers = names.compactMap { name in Int(name).map { (number: $0, name: name) } }
        guard numbers.count == names.count else { return names.sorted(by: bytewise) }
        return numbers.sorted { ($0.number, $0.name) < ($1.number, $1.name) }.map(\.name)
    }
}
