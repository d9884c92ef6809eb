import ECAR
import ECARBaselines

/// The models that can be measured without a file.
///
/// A name may end in `@512` or another number of pixels: the same model for pictures of that size.
public enum BenchmarkCatalogue {
    /// Latents are so much smaller than pictures.
    static let reduction = 8
    /// The names without a size are for pictures of this one.
    static let usualPixels = 256
    private static let pixels = [64, 128, 256, 512, 1024, 2048]

    /// All names: the presets of the method, the peers, and transformers of the presets' size that go token by token.
    public static var names: [String] {
        ModelConfiguration.presets.map(\.name) + DiTConfiguration.presets.map(\.name)
            + MARConfiguration.presets.map(\.name) + tokenNames.map(\.name)
    }

    /// The presets that have a token-by-token peer, and its name.
    static var tokenNames: [(name: String, preset: String)] {
        ModelConfiguration.presets.filter { $0.configuration.arDepth > 0 }.map { (tokenName($0.name), $0.name) }
    }

    /// "AR-L" for "E-CAR-L".
    static func tokenName(_ preset: String) -> String {
        "AR-" + (preset.hasPrefix("E-CAR-") ? String(preset.dropFirst(6)) : preset)
    }

    /// - Returns: Nil for a name that is not in the catalogue.
    /// - Throws: ``BenchmarkError`` for one that is, but not for pictures of this size.
    public static func subject(_ name: String) throws -> (any BenchmarkSubject)? {
        let parts = name.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
        guard let base = parts.first, parts.count <= 2, names.contains(base) else { return nil }
        guard parts.count == 2 else { return subject(base, pixels: nil) }
        guard let pixels = Int(parts[1]), Self.pixels.contains(pixels) else {
            throw BenchmarkError(
                "\(name): pictures may have \(Self.pixels.map(String.init).joined(separator: ", ")) pixels a side")
        }
        guard let larger = subject(base, pixels: pixels) else {
            throw BenchmarkError("\(name): there is no \(base) for pictures of this size")
        }
        return larger
    }

    /// - Parameter pixels: Of the pictures' side; nil: as the preset has it.
    private static func subject(_ base: String, pixels: Int?) -> (any BenchmarkSubject)? {
        let side = pixels.map { $0 / reduction }
        if let configuration = ecar(base, side: side) { return ECARSubject(configuration) }
        if let peer = tokenNames.first(where: { $0.name == base }) {
            return tokenAR(peer.preset, side: side).map { PeerSubject.tokenAR($0.configuration, side: $0.side) }
        }
        if let dit = DiTConfiguration.presets.first(where: { $0.name == base })?.configuration {
            return PeerSubject.dit(side.map(dit.with(side:)) ?? dit)
        }
        // MAR is for one size alone.
        guard pixels == nil || pixels == usualPixels else { return nil }
        return MARConfiguration.presets.first { $0.name == base }.map { PeerSubject.mar($0.configuration) }
    }

    /// A preset of the method for latents of a side.
    static func ecar(_ preset: String, side: Int?) -> ModelConfiguration? {
        let configuration = ModelConfiguration.presets.first { $0.name == preset }?.configuration
        return side.map { side in configuration?.scaled(toSide: side) } ?? configuration
    }

    /// A transformer that makes the same image token by token: as wide, with as many heads, and with all blocks of the
    /// preset, those of its heads included. It is the same for all sizes of pictures but for its positions.
    static func tokenAR(_ preset: String, side: Int?) -> (configuration: TokenARConfiguration, side: Int)? {
        guard let usual = ecar(preset, side: nil), let c = ecar(preset, side: side), let last = c.sides.last else {
            return nil
        }
        let configuration = TokenARConfiguration(
            features: c.patchFeatures(c.stages - 1), tokens: c.tokens(c.stages - 1), classes: c.classes,
            width: c.width, heads: c.heads, depth: usual.arDepth + usual.flowDepths.reduce(0, +))
        return (configuration, last)
    }
}

extension ModelConfiguration {
    /// The same model for latents of another side: as many stages as it takes to get there, each with as many blocks as the
    /// last one. Nil where the stages of this one do not lead there.
    public func scaled(toSide side: Int) -> ModelConfiguration? {
        guard let first = sides.first, let patch = patches.last, let depth = flowDepths.last else { return nil }
        var sides = [first]
        while let last = sides.last, last < side { sides.append(2 * last) }
        guard sides.last == side else { return nil }
        func extended(_ values: [Int], _ last: Int) -> [Int] {
            sides.indices.map { $0 < values.count ? values[$0] : last }
        }
        let larger = ModelConfiguration(
            channels: channels, sides: sides, patches: extended(patches, patch), overlap: overlap, classes: classes,
            width: width, heads: heads, arDepth: arDepth, flowDepths: extended(flowDepths, depth),
            conditionMLP: conditionMLP)
        return (try? larger.validate()) == nil ? nil : larger
    }
}
