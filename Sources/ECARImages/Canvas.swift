import CImages
import Files

/// A drawing surface: lengths in pixels, y running down, colours 0xRRGGBB.
final class Canvas {
    let width: Int
    let height: Int
    private let handle: OpaquePointer

    /// - Throws: `FileError` if the size is out of range.
    init(width: Int, height: Int, background: UInt32) throws(FileError) {
        try Image.check(width: width, height: height, channels: 3)
        handle = try opened("the picture") { ci_canvas_create(Int32(width), Int32(height), background, $0) }
        self.width = width
        self.height = height
    }

    deinit { ci_canvas_free(handle) }

    func rectangle(x: Double, y: Double, width: Double, height: Double, colour: UInt32, opacity: Double = 1) {
        ci_canvas_rectangle(handle, x, y, width, height, colour, opacity)
    }

    func line(_ points: [(x: Double, y: Double)], width: Double, colour: UInt32, opacity: Double = 1) {
        let flat = points.flatMap { [$0.x, $0.y] }
        ci_canvas_line(handle, flat, Int32(points.count), width, colour, opacity)
    }

    enum Alignment: Double { case leading = 0, centre = 0.5, trailing = 1 }

    /// Draws text with its baseline at y.
    func text(
        _ text: String, x: Double, y: Double, size: Double, bold: Bool = false, colour: UInt32,
        alignment: Alignment = .leading, angle: Double = 0
    ) {
        ci_canvas_text(handle, text, x, y, size, bold ? 1 : 0, colour, alignment.rawValue, angle)
    }

    func textWidth(_ text: String, size: Double, bold: Bool = false) -> Double {
        ci_canvas_text_width(handle, text, size, bold ? 1 : 0)
    }

    /// Shortens text with "…" until it fits.
    func fitted(_ text: String, width: Double, size: Double, bold: Bool = false) -> String {
        if textWidth(text, size: size, bold: bold) <= width { return text }
        var kept = text
        while !kept.isEmpty {
            kept.removeLast()
            while kept.last == " " { kept.removeLast() }
            let shortened = kept + "…"
            if textWidth(shortened, size: size, bold: bold) <= width { return shortened }
        }
        return ""
    }

    /// Ends drawing.
    func image() throws(FileError) -> Image {
        var pixels = [UInt8](repeating: 0, count: width * height * 3)
        try checked("the picture") { ci_canvas_pixels(handle, &pixels, $0) }
        return Image(unchecked: pixels, width: width, height: height, channels: 3)
    }
}

/// The colours that grids and charts share.
enum Palette {
    static let paper: UInt32 = 0xFFFFFF
    static let ink: UInt32 = 0x333333
    static let softInk: UInt32 = 0x6B6B6B
    static let gridline: UInt32 = 0xE6E6E6
    static let axis: UInt32 = 0xB0B0B0
    /// Okabe and Ito's palette, told apart with any colour vision.
    static let series: [UInt32] = [0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x333333]
}
