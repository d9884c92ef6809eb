import ArgumentParser

/// `--pick 3`, `--pick 3,7,9`, `--pick 2-5`: numbers of a contact sheet.
struct PickOption: ExpressibleByArgument {
    let ranges: [ClosedRange<Int>]

    init?(argument: String) {
        let ranges = argument.split(separator: ",", omittingEmptySubsequences: false).map(Self.range)
        guard ranges.allSatisfy({ $0 != nil }) else { return nil }
        self.ranges = ranges.compactMap { $0 }
    }

    private static func range(_ text: Substring) -> ClosedRange<Int>? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last else {
            return nil
        }
        return first...last
    }

    /// The places, from 0, of the drafts that are picked, each once, in the order in which they are named; all without a pick.
    ///
    /// - Throws: `CommandError` for a number that none of so many drafts has.
    static func places(_ picks: [PickOption], of count: Int) throws -> [Int] {
        guard !picks.isEmpty else { return Array(0..<count) }
        var places: [Int] = []
        var isPicked = Array(repeating: false, count: count)
        for range in picks.flatMap(\.ranges) {
            guard let wrong = [range.lowerBound, range.upperBound].first(where: { !(1...count).contains($0) }) else {
                for place in range.lowerBound - 1..<range.upperBound where !isPicked[place] {
                    isPicked[place] = true
                    places.append(place)
                }
                continue
            }
            throw CommandError.usage("--pick \(wrong): the drafts are numbered 1…\(count)")
        }
        return places
    }
}
