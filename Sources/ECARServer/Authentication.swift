import Crypto
import Foundation

/// Who may use the server.
package struct Authentication: Sendable {
    /// A client that may, and the digest of its key; keys themselves are forgotten.
    private struct Client {
        let name: String
        let digest: [UInt8]
    }

    static let shortestKey = 16

    private let clients: [Client]

    /// Everybody may.
    package static let none = Authentication(clients: [])

    private init(clients: [Client]) { self.clients = clients }

    /// Reads a file of keys: one a line, `name:key` or the bare key; empty lines and lines that begin with # say nothing.
    ///
    /// - Throws: ``ServerError`` where the file cannot be read, has no key, or one that could be guessed.
    package init(file: URL) throws(ServerError) {
        guard let bytes = try? Data(contentsOf: file), let text = String(data: bytes, encoding: .utf8) else {
            throw ServerError("\(file.path): cannot be read; give a text file with one key a line")
        }
        try self.init(text: text, name: file.path)
    }

    /// - Parameters:
    ///   - text: The file's contents.
    ///   - name: What errors call it.
    package init(text: String, name: String) throws(ServerError) {
        var clients: [Client] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = line.trimmingCharacters(in: .whitespaces)
            guard !line.isEmpty, !line.hasPrefix("#") else { continue }
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let key = String(parts[parts.count - 1]).trimmingCharacters(in: .whitespaces)
            let client = parts.count == 2 ? parts[0].trimmingCharacters(in: .whitespaces) : "key \(clients.count + 1)"
            guard key.utf8.count >= Self.shortestKey, key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw ServerError(
                    "\(name), line \(index + 1): a key has at least \(Self.shortestKey) characters of ASCII, no spaces; "
                        + "`openssl rand -hex 32` makes a good one")
            }
            guard !client.isEmpty, !clients.contains(where: { $0.name == client }) else {
                throw ServerError("\(name), line \(index + 1): every key needs a name of its own before its colon")
            }
            clients.append(Client(name: client, digest: Self.digest(key)))
        }
        guard !clients.isEmpty else { throw ServerError("\(name): holds no key") }
        self.clients = clients
    }

    /// Whether requests need a key at all.
    package var isRequired: Bool { !clients.isEmpty }

    /// The name of the client whose key a request carries.
    ///
    /// Digests of equal length are compared to the end, and with every client, so that the time it takes tells nothing of
    /// how much of a key was right.
    ///
    /// - Parameter header: The field `Authorization`.
    package func client(authorization header: String?) -> String? {
        guard let header else { return nil }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        let given = Self.digest(String(parts[1]).trimmingCharacters(in: .whitespaces))
        var found: String?
        for client in clients {
            let difference = zip(client.digest, given).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
            if difference == 0 { found = client.name }
        }
        return found
    }

    private static func digest(_ key: String) -> [UInt8] { Array(SHA256.hash(data: Data(key.utf8))) }
}
