import ECARServer
import Foundation
import Testing

/// `GET /api/jobs/ID/events`, and what becomes of work that nobody waits for.
@Suite struct HTTPEventsTests {
    /// An event as it came.
    private struct Event {
        var id = 0
        var name = ""
        var data: [String: Any] = [:]

        /// The events of a stream that has ended.
        static func all(_ text: String) throws -> [Event] {
            try text.components(separatedBy: "\n\n").filter { !$0.isEmpty && !$0.hasPrefix(":") }.map { block in
                var event = Event()
                for line in block.split(separator: "\n") {
                    let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
                    switch parts.first {
                    case "id": event.id = try #require(Int(parts[1]))
                    case "event": event.name = parts[1]
                    case "data":
                        event.data = try #require(
                            try JSONSerialization.jsonObject(with: Data(parts[1].utf8)) as? [String: Any])
                    default: Issue.record("\(line)")
                    }
                }
                return event
            }
        }
    }

    private func submit(_ body: String, _ client: TestClient) async throws -> String {
        try #require(try await client.post("/api/jobs", body).json()["id"] as? String)
    }

    @Test func tellsAJobsLife() async throws {
        try await TestServer().test { client in
            let id = try await submit(#"{"class": 1, "seed": 3, "stages": true}"#, client)
            let response = try await client.get("/api/jobs/\(id)/events")
            #expect(response.header("Content-Type") == "text/event-stream")
            #expect(response.header("Cache-Control") == "no-store")
            let events = try Event.all(response.text)
            #expect(zip(events, events.dropFirst()).allSatisfy { $0.id < $1.id })
            #expect(events.last?.name == "done")
            let pictures = events.filter { $0.name == "picture" }.map(\.data)
            #expect(pictures.map { $0["stage"] as? Int } == [1, 2])
            #expect(pictures.map { $0["final"] as? Bool } == [false, true])
            for picture in pictures {
                let png = try #require((picture["png"] as? String).flatMap { Data(base64Encoded: $0) })
                let url = try #require(picture["url"] as? String)
                #expect(try await client.get(url).text == String(decoding: png, as: UTF8.self))
            }
            let steps = events.filter { $0.name == "step" }.map(\.data)
            #expect(steps.last?["done"] as? Int == steps.last?["total"] as? Int)
        }
    }

    @Test func goesOnWhereItBroke() async throws {
        try await TestServer().test { client in
            let id = try await submit(#"{"class": 1, "stages": true}"#, client)
            let all = try Event.all(try await client.get("/api/jobs/\(id)/events").text)
            let middle = try #require(all.first { $0.name == "picture" }).id
            let field = "Last-Event-ID"
            let rest = try Event.all(
                try await client.get("/api/jobs/\(id)/events", headers: [field: "\(middle)"]).text)
            #expect(rest.map(\.id) == all.map(\.id).filter { $0 > middle })
            let garbage = try Event.all(
                try await client.get("/api/jobs/\(id)/events", headers: [field: "x"]).text)
            #expect(garbage.map(\.id) == all.map(\.id))
        }
    }

    // MARK: Leaving

    private func watch(_ id: String) -> String { "GET /api/jobs/\(id)/events HTTP/1.1\r\nHost: localhost\r\n\r\n" }

    @Test func heartbeatsWhileNothingHappens() async throws {
        let server = try TestServer(isOpen: false)
        try await server.test { client in
            let id = try await submit(#"{"class": 1}"#, client)
            try await client.connect { connection in
                try await connection.send(watch(id))
                #expect(try await connection.read(until: "\n:\n\n"))
                server.studio.gate.isOpen = true
                #expect(try await connection.read(until: "event: done"))
            }
        }
    }

    @Test func workThatNobodyWatchesAnyMoreIsCancelled() async throws {
        let server = try TestServer(isOpen: false)
        try await server.test { client in
            let id = try await submit(#"{"class": 1}"#, client)
            try await client.connect { connection in
                try await connection.send(watch(id))
                #expect(try await connection.read(until: "event: queued"))
            }
            try await eventually {
                try await client.get("/api/jobs/\(id)").json()["state"] as? String == "cancelled"
            }
            server.studio.gate.isOpen = true
        }
    }

    @Test func workThatSomebodyElseWatchesGoesOn() async throws {
        let server = try TestServer(isOpen: false)
        try await server.test { client in
            let id = try await submit(#"{"class": 1}"#, client)
            try await client.connect { stays in
                try await stays.send(watch(id))
                #expect(try await stays.read(until: "event: queued"))
                try await client.connect { leaves in
                    try await leaves.send(watch(id))
                    #expect(try await leaves.read(until: "event: queued"))
                }
                try await Task.sleep(for: .milliseconds(100))
                server.studio.gate.isOpen = true
                #expect(try await stays.read(until: "event: done"))
            }
        }
    }

    @Test func workThatWasNeverWatchedGoesOn() async throws {
        let server = try TestServer(isOpen: false)
        try await server.test { client in
            let id = try await submit(#"{"class": 1}"#, client)
            await server.studio.gate.asked(1)
            server.studio.gate.isOpen = true
            try await eventually { try await client.get("/api/jobs/\(id)").json()["state"] as? String == "done" }
        }
    }

    @Test func aClientThatLeavesTakesItsGenerationWithIt() async throws {
        let server = try TestServer(isOpen: false)
        try await server.test { client in
            try await client.connect { connection in
                let body = #"{"prompt": "1"}"#
                try await connection.send(
                    "POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
                await server.studio.gate.asked(1)
            }
            try await eventually { await server.studio.studio.counts().jobsCancelled == 1 }
            server.studio.gate.isOpen = true
        }
    }
}
