import ECAR
import ECARImages
import Files

extension LatentCacheManifest {
    /// The most pictures that a cache may hold, and a shard.
    private static let largestCount = 1 << 40
    private static let largestShard = 1 << 20

    /// - Throws: `ECARError` for a value that does not make sense, alone or beside the others.
    public func validate() throws(ECARError) {
        func check(_ isRight: Bool, _ sentence: @autoclosure () -> String) throws(ECARError) {
            if !isRight { throw ECARError(sentence()) }
        }
        try check(format == Self.currentFormat, "the format is \(format), not \(Self.currentFormat)")
        try check(
            (1...Image.maximumSide).contains(side) && side.isMultiple(of: latentSpace.reduction),
            "the side cannot be \(side)")
        let latentSide = side / latentSpace.reduction
        try check(
            shape.count == 3 && latentSpace.channels.contains(shape[0]) && shape[1] == latentSide
                && shape[2] == latentSide,
            "the shape \(shape) is not that of \(latentSpace.rawValue) latents of \(side)×\(side) pixels")
        try check(latentScale > 0 && latentScale.isFinite, "the latentScale cannot be \(latentScale)")
        try check(!classNames.isEmpty, "there are no class names")
        try check(
            (1...Self.largestCount).contains(source.pictures), "there cannot be \(source.pictures) pictures")
        try check((1...Self.largestShard).contains(shardSize), "the shardSize cannot be \(shardSize)")
        try check(
            (0...source.pictures).contains(skippedCount) && skipped.count <= skippedCount,
            "the skipped pictures are miscounted")
        guard isComplete else { return try check(shards.isEmpty, "it lists shards, and is not complete") }
        try check(shards.count == shardCount, "there are \(shards.count) shards, not \(shardCount)")
        var sum = 0
        for (number, shard) in shards.enumerated() {
            try check(
                shard.file == Self.shardName(number), "the shard \(number) is named \(shard.file.debugDescription)")
            try check(
                (0...indices(ofShard: number).count).contains(shard.pictures),
                "\(shard.file) cannot hold \(shard.pictures) pictures")
            sum += shard.pictures
        }
        try check(
            sum > 0 && sum + skippedCount == source.pictures,
            "\(sum) pictures and \(skippedCount) skipped ones are not the \(source.pictures) of the data set")
    }

    /// The first setting in which a cache to be made differs from this one that was begun.
    func firstDifference(from wanted: LatentCacheManifest) -> (setting: String, here: String, wanted: String)? {
        func value(_ name: String?) -> String { name.map { "\"\($0)\"" } ?? "none" }
        let settings: [(String, (LatentCacheManifest) -> String)] = [
            ("autoencoder", { value($0.autoencoder) }), ("precision", { $0.precision.rawValue }),
            ("latentSpace", { $0.latentSpace.rawValue }),
            ("latentScale", { "\($0.latentScale)" }), ("side", { "\($0.side)" }), ("fit", { $0.fit.rawValue }),
            ("hasLogVariance", { "\($0.hasLogVariance)" }), ("isMirrored", { "\($0.isMirrored)" }),
            ("shape", { "\($0.shape)" }), ("shardSize", { "\($0.shardSize)" }),
            ("source.name", { value($0.source.name) }), ("source.split", { value($0.source.split) }),
            ("source.pictures", { "\($0.source.pictures)" }),
            ("classNames", { "\($0.classNames.count) of them, the last \(value($0.classNames.last))" }),
        ]
        for (name, read) in settings where read(self) != read(wanted) { return (name, read(self), read(wanted)) }
        guard classNames == wanted.classNames else { return ("classNames", "others", "the data set's") }
        return nil
    }
}
