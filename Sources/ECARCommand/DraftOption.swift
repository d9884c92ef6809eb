import ArgumentParser

/// `--draft N`, or `--draft` alone.
struct DraftOption: ExpressibleByArgument, CustomStringConvertible {
    /// Drafts of each class; nil: as many as `--count` says.
    let count: Int?

    static let asManyAsCount = DraftOption(count: nil)

    private init(count: Int?) { self.count = count }

    init?(argument: String) {
        guard let count = Int(argument) else { return nil }
        self.count = count
    }

    /// What help shows.
    var description: String { count.map { "\($0)" } ?? "as many as --count" }
}
