import ECARServer
import Foundation
import Testing

/// What the server says of itself, and the page that it shows.
@Suite struct HTTPStatusTests {
    @Test func describesItsModel() async throws {
        try await TestServer().test { client in
            let model = try await client.get("/api/model").json()
            #expect(model["name"] as? String == "fake")
            #expect(model["digest"] as? String == TestServer.digest)
            #expect((model["classes"] as? [[String: Any]])?.count == 10)
            let stages = try #require(model["stages"] as? [[String: Any]])
            #expect(stages.map { $0["side"] as? Int } == [4, 8])
            #expect(stages.map { $0["tokens"] as? Int } == [4, 16])
            #expect(stages.map { $0["steps"] as? Int } == [2, 3])
            #expect((model["limits"] as? [String: Any])?["images"] as? Int == 64)
            #expect(model["precisions"] as? [String] == ["f32", "bf16"])
            #expect(try #require(model["macsPerImage"] as? Double) > 0)
        }
    }

    @Test func countsWhatHappens() async throws {
        try await TestServer().test { client in
            _ = try await client.post("/v1/images/generations", #"{"prompt": "1", "n": 3}"#)
            _ = try await client.post("/v1/images/generations", "nonsense")
            _ = try await client.get("/a/thousand/different/addresses")
            _ = try await client.send("MKCOL", "/")
            let response = try await client.get("/metrics")
            #expect(response.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
            let lines = response.text.split(separator: "\n").map(String.init)
            for line in [
                #"ecar_jobs_total{outcome="done"} 1"#, "ecar_images_total 3", "ecar_batches_total 1",
                "ecar_batched_images_total 3", "ecar_step_seconds_count 5", #"ecar_step_seconds_bucket{le="+Inf"} 5"#,
                #"ecar_http_requests_total{method="POST",route="/v1/images/generations",status="200"} 1"#,
                #"ecar_http_requests_total{method="POST",route="/v1/images/generations",status="400"} 1"#,
                #"ecar_http_requests_total{method="GET",route="NotFound",status="404"} 1"#,
                #"ecar_http_requests_total{method="other",route="NotFound",status="405"} 1"#,
                "# TYPE ecar_step_seconds histogram",
            ] {
                #expect(lines.contains(line), "\(line) is not in\n\(response.text)")
            }
            #expect(lines.contains { $0.hasPrefix("process_resident_memory_bytes ") })
            // Every line is a comment or a name, perhaps labels, and a number.
            for line in lines where !line.hasPrefix("#") {
                #expect(line.wholeMatch(of: /[a-z_]+(\{[^{}]*\})? [0-9.e+-]+/) != nil, "\(line)")
            }
        }
    }

    @Test func isHealthyUntilItIsStopped() async throws {
        let server = try TestServer()
        try await server.test { client in
            #expect(try await client.get("/healthz").text == #"{"status":"ok"}"#)
            await server.studio.studio.shutDown(grace: .zero)
            let response = try await client.get("/healthz")
            #expect(response.status == 503)
            #expect(response.text == #"{"status":"shutting down"}"#)
            for (path, body) in [("/api/jobs", #"{"class": 1}"#), ("/v1/images/generations", #"{"prompt": "1"}"#)] {
                let refusal = try await client.post(path, body)
                #expect(refusal.status == 503)
                #expect(refusal.header("Retry-After") != nil)
            }
        }
    }

    // MARK: The page

    /// All that the page asks for is there, and the whole weighs little.
    @Test func showsThePage() async throws {
        try await TestServer().test { client in
            let page = try await client.get("/")
            #expect(page.header("Content-Type") == "text/html; charset=utf-8")
            var names = Set(page.text.matches(of: /(?:src|href)="\/?(assets\/[a-z.]+)"/).map { String($0.1) })
            #expect(!names.isEmpty)
            var (weight, seen) = (page.body.count, Set<String>())
            while let name = names.subtracting(seen).first {
                seen.insert(name)
                let file = try await client.get("/\(name)")
                #expect(file.status == 200, "\(name)")
                weight += file.body.count
                names.formUnion(file.text.matches(of: /from '\.\/([a-z.]+)'/).map { "assets/\($0.1)" })
            }
            #expect(weight < 150_000)
        }
    }

    @Test func filesAreNotSentTwice() async throws {
        try await TestServer().test { client in
            let first = try await client.get("/assets/icon.svg")
            #expect(first.header("Content-Type") == "image/svg+xml")
            let tag = try #require(first.header("ETag"))
            let again = try await client.get("/assets/icon.svg", headers: ["If-None-Match": "\"x\", W/\(tag)"])
            #expect(again.status == 304)
            #expect(again.body.count == 0)
            #expect(try await client.get("/assets/icon.svg", headers: ["If-None-Match": "\"x\""]).status == 200)
        }
    }

    @Test func headsHaveNoBodies() async throws {
        try await TestServer().test { client in
            let response = try await client.send("HEAD", "/")
            #expect(response.status == 200)
            #expect(response.body.count == 0)
        }
    }

    // MARK: The description of the API

    @Test func describesItselfAsItIs() async throws {
        try await TestServer(limits: Limits(images: 7, steps: 50)).test { client in
            let document = try await client.get("/openapi.json").json()
            #expect(document["openapi"] as? String == "3.1.0")
            let schemas = try #require((document["components"] as? [String: Any])?["schemas"] as? [String: Any])
            func value(_ schema: String, _ key: String) -> Any? { (schemas[schema] as? [String: Any])?[key] }
            #expect(value("ImageCount", "maximum") as? Int == 7)
            #expect(value("TotalSteps", "maximum") as? Int == 50)
            #expect(value("TotalSteps", "minimum") as? Int == 2)
            #expect(value("Size", "enum") as? [String] == ["auto", "8x8"])
            #expect((value("ClassName", "enum") as? [String])?.count == 10)
            // Every address there is, and no other.
            let paths = try #require(document["paths"] as? [String: [String: Any]])
            for (path, methods) in paths {
                let address = path.replacing("{id}", with: "x").replacing("{index}", with: "0")
                let allowed = try await client.send("PATCH", address).header("Allow") ?? ""
                let described = methods.keys.filter { $0 != "parameters" }.map { $0.uppercased() }
                #expect(Set(allowed.components(separatedBy: ", ")).subtracting(["HEAD"]) == Set(described), "\(path)")
            }
        }
    }
}
