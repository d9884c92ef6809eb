import ECARServer
import Foundation
import Testing

/// `POST /v1/images/generations`, as clients of OpenAI's API know it.
@Suite struct HTTPGenerationsTests {
    private static let path = "/v1/images/generations"

    private func items(_ response: TestClient.Answer) throws -> [[String: Any]] {
        #expect(response.status == 200, "\(response.text)")
        return try #require(try response.json()["data"] as? [[String: Any]])
    }

    @Test func answersWithPicturesInText() async throws {
        try await TestServer().test { client in
            let response = try await client.post(
                Self.path, #"{"prompt": "3", "n": 2, "seed": 7, "response_format": "b64_json", "guidance": 1.5}"#)
            let items = try items(response)
            #expect(items.count == 2)
            for (index, item) in items.enumerated() {
                let text = try #require(item["b64_json"] as? String)
                let picture = try #require(Data(base64Encoded: text))
                #expect(
                    String(decoding: picture, as: UTF8.self)
                        == "class 3 seed \(7 + index) stage 2 guidance [1.5, 1.5]")
                #expect(item["revised_prompt"] as? String == "3")
                #expect(item["url"] == nil)
            }
            let extra = try #require(try response.json()["ecar"] as? [String: Any])
            #expect(extra["seeds"] as? [Int] == [7, 8])
        }
    }

    @Test func answersWithAddressesUnlessAskedOtherwise() async throws {
        try await TestServer().test { client in
            let response = try await client.post(Self.path, #"{"prompt": "1", "seed": 0}"#)
            let item = try #require(try items(response).first)
            let url = try #require(item["url"] as? String)
            #expect(url.hasPrefix("http://localhost/api/jobs/"))
            let picture = try await client.get(url.path)
            #expect(picture.header("Content-Type") == "image/png")
            #expect(picture.text == "class 1 seed 0 stage 2 guidance [1.0, 1.0]")
        }
    }

    /// What OpenAI's clients send for their own server, null for what is left open, and more besides.
    @Test func ignoresWhatOnlyOpenAIKnows() async throws {
        try await TestServer().test { client in
            let response = try await client.post(
                Self.path,
                """
                {"prompt": "1", "model": "dall-e-3", "n": null, "size": "8x8", "quality": "hd", "style": "vivid", "user": "u",
                 "background": "auto", "moderation": "low", "stream": false, "seed": null, "response_format": null}
                """)
            #expect(try items(response).count == 1)
        }
    }

    @Test func seedsNobodyAskedForDiffer() async throws {
        try await TestServer().test { client in
            var seeds: Set<Int> = []
            for _ in 0..<3 {
                let extra = try await client.post(Self.path, #"{"prompt": "1"}"#).json()["ecar"] as? [String: Any]
                seeds.formUnion(extra?["seeds"] as? [Int] ?? [])
            }
            #expect(seeds.count == 3)
            #expect(seeds.allSatisfy { (0..<(1 << 53)).contains($0) })
        }
    }

    @Test(
        arguments: [
            (#"{}"#, "prompt", "missing_field"),
            (#"{"prompt": 3}"#, "prompt", "wrong_type"),
            (#"{"prompt": "zebra"}"#, "prompt", "unknown_class"),
            (#"{"prompt": "99"}"#, "prompt", "unknown_class"),
            (#"{"prompt": ""}"#, "prompt", "unknown_class"),
            (#"{"prompt": "1", "n": 0}"#, "n", "out_of_range"),
            (#"{"prompt": "1", "n": 11}"#, "n", "out_of_range"),
            (#"{"prompt": "1", "n": "2"}"#, "n", "wrong_type"),
            (#"{"prompt": "1", "n": 1e30}"#, nil, nil),
            (#"{"prompt": "1", "size": "1024x1024"}"#, "size", "wrong_value"),
            (#"{"prompt": "1", "response_format": "gif"}"#, "response_format", "wrong_value"),
            (#"{"prompt": "1", "output_format": "jpeg"}"#, "output_format", "wrong_value"),
            (#"{"prompt": "1", "stream": true}"#, "stream", "wrong_value"),
            (#"{"prompt": "1", "seed": -1}"#, "seed", "out_of_range"),
            (#"{"prompt": "1", "seed": 9007199254740992}"#, "seed", "out_of_range"),
            (#"{"prompt": "1", "steps": 1}"#, "steps", "out_of_range"),
            (#"{"prompt": "1", "steps": 1001}"#, "steps", "out_of_range"),
            (#"{"prompt": "1", "steps": [1]}"#, "steps", "out_of_range"),
            (#"{"prompt": "1", "steps": [9223372036854775807, 1]}"#, "steps", "out_of_range"),
            (#"{"prompt": "1", "steps": [501, 1]}"#, "steps", "out_of_range"),
            (#"{"prompt": "1", "guidance": -1}"#, nil, nil),
            (#"{"prompt": "1", "guidance": [1, 2, 3]}"#, nil, nil),
            (#"{"prompt": "1", "solver": "rk4"}"#, "solver", "wrong_value"),
            (#"{"prompt": "1", "time_shift": 0}"#, nil, nil),
            (#"{"prompt": "1", "parallel_guidance": 2}"#, nil, nil),
            (#"{"prompt": "1", "precision": "int8"}"#, nil, nil),
            (#"[]"#, nil, nil), (#""#, nil, nil), (#"{"prompt": "1""#, nil, nil), ("\u{0}", nil, nil),
        ] as [(String, String?, String?)])
    func saysWhatIsWrong(body: String, param: String?, code: String?) async throws {
        try await TestServer().test { client in
            let response = try await client.post(Self.path, body)
            #expect(response.status == 400, "\(response.text)")
            let error = try response.error()
            #expect(error.type == "invalid_request_error")
            #expect(error.param == param)
            #expect(error.code == code)
        }
    }

    /// Nothing in a body, however deep or large, costs more than an error.
    @Test(arguments: [
        (String(repeating: "[", count: 60_000), 400),
        (#"{"prompt": ""# + String(repeating: "x", count: 60_000) + #""}"#, 400),
        (#"{"prompt": "1", "x": ""# + String(repeating: "x", count: 70_000) + #""}"#, 413),
        (String(repeating: #"{"prompt":"#, count: 5000), 400),
    ])
    func boundsBodies(body: String, status: Int) async throws {
        try await TestServer().test { client in
            let response = try await client.post(Self.path, body)
            #expect(response.status == status)
            _ = try response.error()
        }
    }

    @Test func fullQueueSaysWhenToComeBack() async throws {
        let limits = Limits(batch: 1, images: 2, queuedImages: 2, queuedImagesPerClient: 2)
        let server = try TestServer(limits: limits, isOpen: false)
        try await server.test { client in
            for _ in 0..<2 { _ = try await client.post("/api/jobs", #"{"class": 1, "count": 1}"#) }
            var last: TestClient.Answer?
            for _ in 0..<2 { last = try await client.post("/api/jobs", #"{"class": 1, "count": 2}"#) }
            let response = try #require(last)
            #expect(response.status == 429, "\(response.text)")
            let seconds = try #require(response.header("Retry-After").flatMap { Int($0) })
            #expect(seconds >= 1)
            #expect(try response.error().type == "rate_limit_error")
            server.studio.gate.isOpen = true
        }
    }

    /// A job that was cancelled by somebody else is no picture, and no internal error either.
    @Test func cancelledWorkIsUnavailable() async throws {
        let server = try TestServer(isOpen: false)
        try await server.test { client in
            async let response = client.post(Self.path, #"{"prompt": "1"}"#)
            await server.studio.gate.asked(1)
            async let ended = server.studio.studio.shutDown(grace: .zero)
            server.studio.gate.allow(1)
            let (status, count) = (try await response.status, await ended)
            #expect(status == 503)
            #expect(count == 1)
        }
    }
}
