import ECARImages
import Files
import Foundation

/// A run's sample sheets, small enough to be embedded in its report. To make them takes a second or two where sheets are
/// large.
public struct ReportPictures {
    struct Picture {
        /// The sheet's file, relative to the run's folder.
        let path: String
        /// What stands under the picture: the step.
        let caption: String
        /// A data URI.
        let source: String
        let width: Int
        let height: Int
    }

    /// How many of the older sheets are shown.
    static let mostOlder = 8
    private static let largest = Bounds(side: 1600, bytes: 600 << 10, quality: 90)
    private static let small = Bounds(side: 320, bytes: 48 << 10, quality: 82)

    private struct Bounds {
        let side: Int
        let bytes: Int
        let quality: Int
    }

    let newest: Picture?
    /// Spread over the run, oldest first.
    let older: [Picture]

    /// - Parameter files: The sheets' files, ascending by step. One that cannot be read is left out: a report is no reason
    ///   to end a run.
    public init(_ files: [URL]) {
        var rest = files[...]
        var newest: Picture?
        while newest == nil, let file = rest.popLast() { newest = Self.whole(file) }
        self.newest = newest
        let count = min(rest.count, Self.mostOlder)
        older = (0..<count).compactMap { place in
            let index = count > 1 ? place * (rest.count - 1) / (count - 1) : 0
            return Self.thumbnail(rest[index])
        }
    }

    /// The file itself where it is small enough, else a JPEG of it.
    private static func whole(_ file: URL) -> Picture? {
        guard let data = try? Data(contentsOf: file), let image = try? Image.decode(data, name: file.path) else {
            return nil
        }
        if data.count <= largest.bytes, data.starts(with: [0x89, 0x50]) {
            return picture(file, image, data, type: "image/png")
        }
        return reduced(image, to: largest).map { picture(file, $0.image, $0.data, type: "image/jpeg") }
    }

    private static func thumbnail(_ file: URL) -> Picture? {
        guard let image = try? Image.read(file), let result = reduced(image, to: small) else { return nil }
        return picture(file, result.image, result.data, type: "image/jpeg")
    }

    /// Scales a picture down until it and its file are within the bounds.
    private static func reduced(_ image: Image, to bounds: Bounds) -> (image: Image, data: Data)? {
        var side = min(bounds.side, max(image.width, image.height))
        while side >= 1 {
            let scale = Double(side) / Double(max(image.width, image.height))
            let width = max(1, Int((Double(image.width) * scale).rounded()))
            let height = max(1, Int((Double(image.height) * scale).rounded()))
            guard let result = try? image.resized(width: width, height: height),
                let data = try? result.jpeg(quality: bounds.quality)
            else { return nil }
            if data.count <= bounds.bytes { return (result, data) }
            side = side * 3 / 4
        }
        return nil
    }

    private static func picture(_ file: URL, _ image: Image, _ data: Data, type: String) -> Picture {
        let folder = file.deletingLastPathComponent().lastPathComponent
        let step = Int(file.deletingPathExtension().lastPathComponent)
        return Picture(
            path: "\(folder)/\(file.lastPathComponent)",
            caption: step.map { "step \(ReportText.count($0))" } ?? file.lastPathComponent,
            source: "data:\(type);base64,\(data.base64EncodedString())", width: image.width, height: image.height)
    }
}
