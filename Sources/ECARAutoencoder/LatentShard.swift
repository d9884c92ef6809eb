import Files
import Foundation
import Torch

/// One file of a latent cache, mapped, with everything but the latents' values checked against the manifest.
struct LatentShard: Sendable {
    /// The file's tensors besides `labels` and `indices`: one for each kind of latents.
    enum Latents: String, CaseIterable {
        case mean, logVariance = "log_variance"
        case mirroredMean = "mean_mirrored", mirroredLogVariance = "log_variance_mirrored"

        /// Those that a cache has, in the file's order.
        static func all(of manifest: LatentCacheManifest) -> [Latents] {
            allCases.filter { latents in
                switch latents {
                case .mean: true
                case .logVariance: manifest.hasLogVariance
                case .mirroredMean: manifest.isMirrored
                case .mirroredLogVariance: manifest.isMirrored && manifest.hasLogVariance
                }
            }
        }
    }

    let file: MappedSafeTensors
    /// The pictures in it.
    let count: Int
    let labels: [Int32]  // (n)

    /// Opens a cache's shard.
    ///
    /// - Throws: `FileError` where the file cannot be read or is not what the manifest says.
    init(_ cache: URL, _ number: Int, _ manifest: LatentCacheManifest) throws(FileError) {
        let file = try MappedSafeTensors(cache.appendingPathComponent(LatentCacheManifest.shardName(number)))
        func check(_ isRight: Bool, _ cause: @autoclosure () -> String) throws(FileError) {
            if !isRight {
                throw FileError(file.name, cause(), remedy: "Run the `ecar encode` that made the cache again")
            }
        }
        let latents = Latents.all(of: manifest)
        let names = latents.map(\.rawValue) + ["labels", "indices"]
        try check(file.tensorNames == names.sorted(), "holds the tensors \(file.tensorNames), not \(names.sorted())")
        let range = manifest.indices(ofShard: number)
        let count = file.shape(of: "labels")?.first ?? 0
        try check(count <= range.count, "holds \(count) pictures, more than the \(range.count) of a shard")
        for latents in latents {
            let name = latents.rawValue
            try check(
                file.dtype(of: name) == .float16 && file.shape(of: name) == [count] + manifest.shape,
                "holds no float16 \(name) of the shape \([count] + manifest.shape)")
        }
        for name in ["labels", "indices"] {
            try check(
                file.dtype(of: name) == .int64 && file.shape(of: name) == [count],
                "holds no int64 \(name) of the shape \([count])")
        }

        let labels = file.integers("labels")
        try check(
            labels.allSatisfy { (0..<Int64(manifest.classNames.count)).contains($0) },
            "holds a label that is none of the \(manifest.classNames.count) classes")
        let indices = file.integers("indices")
        try check(
            indices.allSatisfy { (Int64(range.lowerBound)..<Int64(range.upperBound)).contains($0) }
                && zip(indices, indices.dropFirst()).allSatisfy { $0 < $1 },
            "holds pictures that do not ascend through \(range.lowerBound)…\(range.upperBound - 1)")
        (self.file, self.count, self.labels) = (file, count, labels.map(Int32.init(truncatingIfNeeded:)))
    }

    /// The pictures' places in the data set.
    var indices: [Int] { file.integers("indices").map(Int.init) }

    /// The pictures that could not be read, as far as they are named.
    ///
    /// - Throws: `FileError` where the list is damaged.
    func skipped() throws(FileError) -> [LatentCacheManifest.Skipped] {
        guard let text = file.metadata["skipped"] else { return [] }
        do {
            return try JSONDecoder().decode([LatentCacheManifest.Skipped].self, from: Data(text.utf8))
        } catch {
            throw FileError(file.name, "has a damaged list of skipped pictures")
        }
    }

    /// Copies one picture's latents to the front of `target`, which has room for them.
    func copy(_ latents: Latents, of index: Int, valueCount: Int, to target: UnsafeMutableRawBufferPointer) {
        let size = valueCount * DType.float16.byteCount
        file.withBytes(of: latents.rawValue) { bytes in
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[index * size..<(index + 1) * size]))
        }
    }
}

extension MappedSafeTensors {
    /// The elements of an int64 tensor.
    fileprivate func integers(_ name: String) -> [Int64] {
        withBytes(of: name) { bytes in
            stride(from: 0, to: bytes.count, by: 8).map {
                Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: Int64.self))
            }
        }
    }
}
