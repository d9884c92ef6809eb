import ECARImages
import Foundation

/// A picture that stands in a page itself, as a data URI, and is no larger than it may be.
package struct EmbeddedPicture: Sendable {
    /// What a picture may take of a page.
    package struct Bounds {
        /// Of the longer side, in pixels.
        let side: Int
        /// Of the file, before it becomes text.
        let bytes: Int
        /// Of a JPEG.
        let quality: Int

        package init(side: Int, bytes: Int, quality: Int) {
            (self.side, self.bytes, self.quality) = (side, bytes, quality)
        }
    }

    /// Magnified pictures up to this side show their pixels; larger ones are smoothed.
    private static let pixelSide = 64

    /// A data URI.
    private let source: String
    private let width: Int
    private let height: Int

    /// - Parameter png: The picture's own file: taken as it is where it is small enough.
    /// - Returns: Else a JPEG of the picture, scaled down until it is within the bounds; nil where no size is.
    package init?(_ image: Image, png: Data? = nil, within bounds: Bounds) {
        if let png, png.count <= bounds.bytes {
            self.init(png, "image/png", image)
            return
        }
        var side = min(bounds.side, max(image.width, image.height))
        while side >= 1 {
            let scale = Double(side) / Double(max(image.width, image.height))
            let width = max(1, Int((Double(image.width) * scale).rounded()))
            let height = max(1, Int((Double(image.height) * scale).rounded()))
            guard let result = try? image.resized(width: width, height: height),
                let data = try? result.jpeg(quality: bounds.quality)
            else { return nil }
            if data.count <= bounds.bytes {
                self.init(data, "image/jpeg", result)
                return
            }
            side = side * 3 / 4
        }
        return nil
    }

    /// The picture without loss where it is a small one, else as a JPEG.
    package init?(small image: Image, within bounds: Bounds) {
        let png = max(image.width, image.height) <= bounds.side ? try? image.png() : nil
        self.init(image, png: png, within: bounds)
    }

    private init(_ data: Data, _ type: String, _ image: Image) {
        source = "data:\(type);base64,\(data.base64EncodedString())"
        (width, height) = (image.width, image.height)
    }

    /// The picture's element.
    ///
    /// - Parameter description: Read out in its place; text, not markup.
    package func html(_ description: String) -> String {
        let style = max(width, height) <= Self.pixelSide ? " class=\"pixels\"" : ""
        return """
            <img src="\(source)" width="\(width)" height="\(height)" alt="\(ReportText.escaped(description))"\(style)/>
            """
    }
}
