import ECARServer
import Foundation
import Testing

/// Who is let in, what is kept out, and what is not told.
@Suite struct HTTPSafetyTests {
    private static let key = "0123456789abcdef"
    private static let job = #"{"class": 1}"#

    // MARK: Keys

    @Test func wantsAKeyForAllButThePage() async throws {
        try await TestServer(keys: "me:\(Self.key)\n").test { client in
            for path in ["/", "/assets/icon.svg", "/healthz", "/openapi.json"] {
                #expect(try await client.get(path).status == 200, "\(path)")
            }
            let id = String(repeating: "0", count: 32)
            for path in ["/api/model", "/metrics", "/api/jobs/\(id)", "/api/jobs/\(id)/events"] {
                let response = try await client.get(path)
                #expect(response.status == 401, "\(path)")
                #expect(response.header("WWW-Authenticate") == "Bearer")
                #expect(try response.error().type == "authentication_error")
            }
            for path in ["/api/jobs", "/v1/images/generations"] {
                #expect(try await client.post(path, Self.job).status == 401)
            }
            // Who knows a job's number may see its pictures.
            #expect(try await client.get("/api/jobs/\(id)/images/0.png").status == 404)
        }
    }

    @Test(arguments: [
        ("Bearer \(key)", true), ("bearer  \(key) ", true), ("Bearer \(key)x", false),
        ("Bearer 0123456789abcde", false),
        ("Bearer ", false), ("Bearer", false), ("Basic \(key)", false), (key, false),
        ("Bearer \(key), Bearer \(key)", false),
    ])
    func knowsKeys(header: String, isRight: Bool) async throws {
        try await TestServer(keys: "# mine\n\(Self.key)\nother:fedcba9876543210\n").test { client in
            let response = try await client.get("/api/model", headers: ["Authorization": header])
            #expect(response.status == (isRight ? 200 : 401))
        }
    }

    @Test(arguments: [
        ("", "holds no key"), ("# nothing", "holds no key"), ("short", "line 1"), ("a:\(key)\na:\(key)x", "line 2"),
        (":\(key)", "line 1"), ("a:0123 456789abcdef", "line 1"), ("a:0123456789abcdé", "line 1"),
    ])
    func refusesBadKeys(text: String, complaint: String) {
        #expect {
            try Authentication(text: text, name: "keys")
        } throws: { error in
            "\(error)".contains(complaint)
        }
    }

    @Test func namesClients() throws {
        let keys = try Authentication(text: "\(Self.key)\nann : fedcba9876543210\r\n", name: "keys")
        #expect(keys.client(authorization: "Bearer \(Self.key)") == "key 1")
        #expect(keys.client(authorization: "Bearer fedcba9876543210") == "ann")
        #expect(keys.client(authorization: nil) == nil)
    }

    // MARK: Addresses

    @Test(arguments: [
        ("127.0.0.1", true), ("127.1.2.3", true), ("localhost", true), ("::1", true), ("0.0.0.0", false),
        ("192.168.1.2", false), ("127.evil.example", false), ("::", false), ("", false),
    ])
    func othersMayOnlyBeLetInOnPurpose(host: String, isLoopback: Bool) throws {
        if isLoopback {
            _ = try ServingConfiguration(host: host)
        } else {
            #expect(throws: ServerError.self) { try ServingConfiguration(host: host) }
        }
        let keys = try Authentication(text: Self.key, name: "keys")
        #expect(try ServingConfiguration(host: host, authentication: keys).isLoopback == isLoopback)
        #expect(try ServingConfiguration(host: host, isOpenOnPurpose: true).isLoopback == isLoopback)
        #expect(throws: ServerError.self) {
            try ServingConfiguration(host: host, authentication: keys, isOpenOnPurpose: true)
        }
    }

    /// A name of another site that was made to point here (DNS rebinding).
    @Test(arguments: [
        ("localhost", 200), ("LOCALHOST:8080", 200), ("127.0.0.1:1", 200), ("[::1]:8080", 200), ("evil.example", 403),
        ("evil.example:8080", 403), ("localhost.evil.example", 403), ("", 403),
    ])
    func answersToItsOwnNamesAlone(host: String, status: Int) async throws {
        try await TestServer().test { client in
            let response = try await client.get("/api/model", headers: ["Host": host])
            #expect(response.status == status)
        }
    }

    @Test(arguments: [
        ("Origin", "http://localhost", 202), ("Origin", "https://localhost", 202),
        ("Origin", "http://localhost:9", 403),
        ("Origin", "http://evil.example", 403), ("Origin", "null", 403), ("Sec-Fetch-Site", "same-origin", 202),
        ("Sec-Fetch-Site", "none", 202), ("Sec-Fetch-Site", "cross-site", 403), ("Sec-Fetch-Site", "same-site", 403),
    ])
    func pagesOfOtherSitesMayNotPost(field: String, value: String, status: Int) async throws {
        for server in [try TestServer(), try TestServer(host: "0.0.0.0", isOpenOnPurpose: true)] {
            try await server.test { client in
                let response = try await client.post("/api/jobs", Self.job, headers: [field: value])
                #expect(response.status == status, "\(response.text)")
            }
        }
    }

    // MARK: Forms

    @Test(arguments: [
        nil, "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data",
    ])
    func wantsJSON(mediaType: String?) async throws {
        try await TestServer().test { client in
            let response = try await client.send(
                "POST", "/api/jobs", headers: mediaType.map { ["Content-Type": $0] } ?? [:], body: Data(Self.job.utf8))
            #expect(response.status == 415)
            #expect(try response.error().code == "unsupported_media_type")
        }
    }

    @Test(arguments: [
        ("GET", "/nothing", nil), ("GET", "/assets/nothing.js", nil), ("GET", "/assets/..%2fPackage.swift", nil),
        ("GET", "/assets/../etc/passwd", nil), ("POST", "/api/model", "GET, HEAD"), ("GET", "/api/jobs", "POST"),
        ("PUT", "/api/jobs/x", "DELETE, GET, HEAD"), ("DELETE", "/", "GET, HEAD"), ("TRACE", "/healthz", "GET, HEAD"),
        ("OPTIONS", "/v1/images/generations", "POST"), ("MKCOL", "/metrics", "GET, HEAD"),
    ])
    func saysWhatThereIs(method: String, path: String, allowed: String?) async throws {
        try await TestServer().test { client in
            let response = try await client.send(method, path)
            #expect(response.status == (allowed == nil ? 404 : 405))
            #expect(response.header("Allow") == allowed)
            _ = try response.error()
        }
    }

    @Test(arguments: ["/", "/nothing", "/api/model", "/healthz", "/assets/icon.svg"])
    func everyAnswerIsGuarded(path: String) async throws {
        try await TestServer().test { client in
            let answer = try await client.get(path)
            let policy = try #require(answer.header("Content-Security-Policy"))
            #expect(policy.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self'"))
            #expect(!policy.contains("unsafe"))
            #expect(answer.header("X-Content-Type-Options") == "nosniff")
            #expect(answer.header("Referrer-Policy") == "no-referrer")
            #expect(answer.header("Cross-Origin-Opener-Policy") == "same-origin")
            #expect(answer.header("Cross-Origin-Resource-Policy") == "same-origin")
            #expect(answer.header("Permissions-Policy") != nil)
            #expect(answer.header("Cache-Control") != nil)
            #expect(answer.header("Server") == nil)
        }
    }

    // MARK: Slow and broken clients

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            "", "GET / HTTP/1.1\r\nHost: local",
            "POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n",
        ])
    func doesNotWaitForEver(request: String) async throws {
        try await TestServer(patience: .milliseconds(200)).test { client in _ = try await client.exchange(request) }
    }

    @Test func aBodyThatDoesNotComeEndsAsATimeout() async throws {
        try await TestServer(bodyPatience: .milliseconds(200)).test { client in
            let request =
                "POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: 100\r\n\r\n{"
            try await client.connect(sending: request) { connection in
                let hasEnded = try await connection.read(until: "HTTP/1.1 408")
                #expect(hasEnded)
            }
        }
    }

    @Test(arguments: [
        "\u{0}\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
        "POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET / HTTP/1.1\r\nX: \(String(repeating: "x", count: 100_000))\r\n\r\n",
    ])
    func outlivesGarbage(request: String) async throws {
        try await TestServer(patience: .milliseconds(300)).test { client in
            let answer = try await client.exchange(request)
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(answer.prefix(100))")
            let next = try await client.exchange(
                "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            #expect(next.hasPrefix("HTTP/1.1 200"), "\(next.prefix(100))")
        }
    }
}
