import CPage
import Crypto
import Foundation
import HTTPTypes
import Hummingbird

/// A file of the page, held in the program: nothing that a request says ever reaches the file system.
struct Asset: Sendable {
    /// "style.css"
    let name: String
    let body: ByteBuffer
    let mediaType: String
    /// Changes with the contents.
    let tag: String

    init(_ name: String, _ bytes: [UInt8]) {
        self.name = name
        body = ByteBuffer(bytes: bytes)
        mediaType =
            switch name.split(separator: ".").last {
            case "html": "text/html; charset=utf-8"
            case "css": "text/css; charset=utf-8"
            case "js": "text/javascript; charset=utf-8"
            case "svg": "image/svg+xml"
            default: "application/octet-stream"
            }
        let digest = SHA256.hash(data: bytes).prefix(16).map { String(format: "%02x", $0) }
        tag = "\"\(digest.joined())\""
    }

    /// The file, or 304 where the browser has it already.
    func response(to request: Request) -> Response {
        // `no-cache` lets browsers keep the file if they ask whether it is still the same: a new program has a new page.
        var headers: HTTPFields = [.eTag: tag, .cacheControl: "no-cache"]
        let known = request.headers[.ifNoneMatch]?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        if let known, known.contains(where: { $0 == "*" || $0 == tag || $0 == "W/" + tag }) {
            return Response(status: .notModified, headers: headers)
        }
        headers[.contentType] = mediaType
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: body))
    }
}

extension Asset {
    /// The files of the package by name.
    private static let all: [String: Asset] = {
        var count = 0
        let files = UnsafeBufferPointer(start: page_files(&count), count: count)
        let assets = files.map { file in
            Asset(String(cString: file.name), Array(UnsafeBufferPointer(start: file.bytes, count: file.length)))
        }
        return Dictionary(assets.map { ($0.name, $0) }) { $1 }
    }()

    private static let pageName = "index.html"
    private static let descriptionName = "openapi.json"

    /// What `/` shows.
    static var page: Asset? { all[pageName] }

    /// The description of the API, before a server has put in what it knows.
    static var description: Asset? { all[descriptionName] }

    /// What lies under `/assets/`.
    static func file(_ name: String) -> Asset? {
        name == pageName || name == descriptionName ? nil : all[name]
    }
}
