import ECARImages
import ECARReports
import Files
import Foundation

/// A run's sample sheets, small enough to be embedded in its report. To make them takes a second or two where sheets are
/// large.
public struct ReportPictures {
    struct Sheet {
        /// The sheet's file, relative to the run's folder.
        let path: String
        /// What stands under the picture: the step.
        let caption: String
        let picture: EmbeddedPicture
    }

    /// How many of the older sheets are shown.
    private static let mostOlder = 8
    private static let largest = EmbeddedPicture.Bounds(side: 1600, bytes: 600 << 10, quality: 90)
    private static let small = EmbeddedPicture.Bounds(side: 320, bytes: 48 << 10, quality: 82)

    let newest: Sheet?
    /// Spread over the run, oldest first.
    let older: [Sheet]

    /// - Parameter files: The sheets' files, ascending by step. One that cannot be read is left out: a report is no reason
    ///   to end a run.
    public init(_ files: [URL]) {
        var rest = files[...]
        var newest: Sheet?
        while newest == nil, let file = rest.popLast() { newest = Self.whole(file) }
        self.newest = newest
        let count = min(rest.count, Self.mostOlder)
        older = (0..<count).compactMap { place in
            let index = count > 1 ? place * (rest.count - 1) / (count - 1) : 0
            return Self.thumbnail(rest[index])
        }
    }

    /// The file itself where it is small enough, else a JPEG of it.
    private static func whole(_ file: URL) -> Sheet? {
        guard let data = try? Data(contentsOf: file), let image = try? Image.decode(data, name: file.path) else {
            return nil
        }
        let isPNG = data.starts(with: [0x89, 0x50])
        return EmbeddedPicture(image, png: isPNG ? data : nil, within: largest).map { sheet(file, $0) }
    }

    private static func thumbnail(_ file: URL) -> Sheet? {
        (try? Image.read(file)).flatMap { EmbeddedPicture($0, within: small) }.map { sheet(file, $0) }
    }

    private static func sheet(_ file: URL, _ picture: EmbeddedPicture) -> Sheet {
        let folder = file.deletingLastPathComponent().lastPathComponent
        let step = Int(file.deletingPathExtension().lastPathComponent)
        return Sheet(
            path: "\(folder)/\(file.lastPathComponent)",
            caption: step.map { "step \(ReportText.count($0))" } ?? file.lastPathComponent, picture: picture)
    }
}
