extension InceptionV3 {
    /// What a reader of scores made with this network should know, a sentence each without full stop.
    public var notes: [String] {
        var notes: [String] = []
        if !isPublic {
            notes.append(
                "The weights do not say that they are the public ones (Scripts/convert_inception.py writes it into its "
                    + "file): scores compare with other programs' only if they are")
        }
        if sizes.classes == 0 { notes.append("The weights lack the last layer: there is no Inception Score") }
        return notes
    }
}

extension InceptionResize {
    /// What a reader of scores against another program's statistics should know, a sentence each without full stop.
    ///
    /// Statistics do not say which resize their pictures went through, but clean-fid puts its mode into a file's name,
    /// and guided-diffusion's files for reference are known by theirs.
    public func notes(onStatistics name: String) -> [String] {
        let words = name.lowercased()
        if words.contains("_clean_") {
            return [
                "\(name) is named like statistics of clean-fid's mode clean, whose resize (bicubic, against aliasing) "
                    + "is neither of those known here: scores against it are not comparable"
            ]
        }
        guard let made = Self.known.first(where: { words.contains($0.part) })?.resize else {
            return ["\(name) does not say which resize it was made with: scores compare only if it was \(rawValue)'s"]
        }
        guard made != self else { return [] }
        return [
            "\(name) is named like statistics made with \(made.rawValue)'s resize, but \(rawValue)'s was used: choose "
                + "\(made.rawValue) for scores that compare"
        ]
    }

    /// Parts of names that tell the resize.
    private static let known: [(part: String, resize: InceptionResize)] = [
        ("_legacy_tensorflow_", .tensorflow), ("_legacy_pytorch_", .pytorchFID), ("virtual_", .tensorflow),
    ]
}
