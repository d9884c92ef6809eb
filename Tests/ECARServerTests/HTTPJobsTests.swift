import ECARServer
import Foundation
import Testing

/// `/api/jobs`: submitting, looking, fetching, cancelling, and finishing drafts.
@Suite struct HTTPJobsTests {
    private static let path = "/api/jobs"

    /// Submits a job, waits for its end and returns its number and what it looks like then.
    private func finished(_ body: String, _ client: TestClient) async throws -> (
        id: String, job: [String: Any]
    ) {
        let response = try await client.post(Self.path, body)
        #expect(response.status == 202, "\(response.text)")
        let job = try response.json()
        let id = try #require(job["id"] as? String)
        #expect(response.header("Location") == "\(Self.path)/\(id)")
        _ = try await client.get("\(Self.path)/\(id)/events")
        return (id, try await client.get("\(Self.path)/\(id)").json())
    }

    private func images(_ job: [String: Any]) throws -> [[String: Any]] {
        try #require(job["images"] as? [[String: Any]])
    }

    @Test func countsSeedsOn() async throws {
        try await TestServer().test { client in
            let (id, job) = try await finished(
                #"{"class": "4", "count": 3, "seed": 9, "steps": [1, 2], "solver": "heun", "timeShift": 0.5, "#
                    + #""parallelGuidance": 0.25}"#, client)
            #expect(job["state"] as? String == "done")
            #expect(try images(job).map { $0["seed"] as? Int } == [9, 10, 11])
            #expect(try images(job).allSatisfy { $0["class"] as? Int == 4 && $0["className"] as? String == "4" })
            #expect(job["steps"] as? [Int] == [1, 2])
            #expect(job["totalSteps"] as? Int == 9)
            #expect(job["stepsDone"] as? Int == 9)
            #expect(job["timeShift"] as? Double == 0.5)
            #expect(job["parallelGuidance"] as? Double == 0.25)
            let picture = try await client.get("\(Self.path)/\(id)/images/2.png")
            #expect(picture.text == "class 4 seed 11 stage 2 guidance [1.0, 1.0]")
        }
    }

    @Test func takesSeveralClasses() async throws {
        try await TestServer().test { client in
            let (_, job) = try await finished(#"{"classes": [1, "2", 1], "seed": 9007199254740991}"#, client)
            #expect(try images(job).map { $0["class"] as? Int } == [1, 2, 1])
            // After the largest seed that JavaScript holds comes the smallest.
            #expect(try images(job).map { $0["seed"] as? Int } == [9_007_199_254_740_991, 0, 1])
        }
    }

    @Test func keepsEarlierStagesWhereAskedTo() async throws {
        try await TestServer().test { client in
            let (id, job) = try await finished(#"{"class": 1, "seed": 0, "stages": true}"#, client)
            #expect(try images(job).first?["stages"] as? [Int] == [1, 2])
            let first = try await client.get("\(Self.path)/\(id)/images/0.png?stage=1")
            #expect(first.text == "class 1 seed 0 stage 1 guidance [1.0, 1.0]")
        }
    }

    @Test func downloadsHaveGoodNames() async throws {
        try await TestServer().test { client in
            let (id, _) = try await finished(#"{"class": 1, "seed": 5, "stages": true}"#, client)
            func name(_ query: String) async throws -> String? {
                try await client.get("\(Self.path)/\(id)/images/0.png\(query)").header("Content-Disposition")
            }
            #expect(try await name("?download=1") == #"attachment; filename="1-5.png""#)
            #expect(try await name("?stage=1&download=1") == #"attachment; filename="1-5-stage-1.png""#)
            #expect(try await name("?download=0") == nil)
        }
    }

    // MARK: Drafts

    @Test func finishesPicksOfADraft() async throws {
        try await TestServer().test { client in
            let (draft, sheet) = try await finished(
                #"{"class": 2, "count": 4, "seed": 20, "draft": true, "guidance": 2}"#, client)
            #expect(sheet["draft"] as? Bool == true)
            let (id, job) = try await finished(
                #"{"finish": {"job": "\#(draft)", "picks": [3, 1], "variations": 2}, "stages": true}"#, client)
            #expect(try images(job).map { $0["seed"] as? Int } == [23, 23, 21, 21])
            let numbers = try images(job).map { ($0["variation"] as? [String: Any])?["number"] as? Int ?? 0 }
            #expect(numbers == [0, 1, 0, 1])
            // From the draft whose seed it has, with the draft's guidance.
            let picture = try await client.get("\(Self.path)/\(id)/images/2.png").text
            #expect(
                picture.hasPrefix("class 2 seed 21") && picture.hasSuffix("guidance [2.0, 2.0] from 21.0"), "\(picture)"
            )
        }
    }

    @Test(arguments: [
        (#""picks": [4]"#, 404), (#""picks": []"#, 400), (#""picks": [0, 0]"#, 400), (#""picks": [-1]"#, 400),
        (#""picks": [0], "variations": 0"#, 400), (#""picks": [0, 1], "variations": 33"#, 400), (#""pick": [0]"#, 400),
        (#""picks": [0], "variations": null"#, 400),
    ])
    func refusesPicksThatCannotBe(finish: String, status: Int) async throws {
        try await TestServer().test { client in
            let (draft, _) = try await finished(#"{"class": 2, "count": 4, "draft": true}"#, client)
            let response = try await client.post(Self.path, #"{"finish": {"job": "\#(draft)", \#(finish)}}"#)
            #expect(response.status == status, "\(response.text)")
        }
    }

    /// The first stage is made: what it was made with cannot be wished otherwise.
    @Test(arguments: [#""steps": [1, 2]"#, #""guidance": [7, 2]"#])
    func refusesOtherSettingsOfTheDraft(settings: String) async throws {
        try await TestServer().test { client in
            let (draft, _) = try await finished(
                #"{"class": 2, "steps": [2, 2], "guidance": 2, "draft": true}"#, client)
            let response = try await client.post(
                Self.path, #"{"finish": {"job": "\#(draft)", "picks": [0]}, \#(settings)}"#)
            #expect(response.status == 400)
            #expect(try response.error().message.hasPrefix("the first stage's"))
        }
    }

    @Test func finishesDraftsAlone() async throws {
        try await TestServer().test { client in
            let (id, _) = try await finished(#"{"class": 2}"#, client)
            let response = try await client.post(Self.path, #"{"finish": {"job": "\#(id)", "picks": [0]}}"#)
            #expect(response.status == 409)
            #expect(try response.error().code == "not_a_draft")
        }
    }

    // MARK: Mistakes

    @Test(arguments: [
        (#"{}"#, "class", "missing_field"),
        (#"{"class": 1, "classes": [1]}"#, "classes", "unknown_field"),
        (#"{"classes": [1], "count": 2}"#, "count", "unknown_field"),
        (#"{"classes": []}"#, "classes", "out_of_range"),
        (#"{"class": 10}"#, "class", "unknown_class"),
        (#"{"class": -1}"#, "class", "unknown_class"),
        (#"{"class": true}"#, "class", "wrong_type"),
        (#"{"class": null}"#, "class", "wrong_type"),
        (#"{"class": 1, "count": 65}"#, "count", "out_of_range"),
        (#"{"class": 1, "count": null}"#, "count", "wrong_type"),
        (#"{"class": 1, "cuont": 3}"#, "cuont", "unknown_field"),
        (#"{"class": 1, "stages": "yes"}"#, "stages", "wrong_type"),
        (#"{"class": 1, "steps": []}"#, "steps", "out_of_range"),
        (#"{"class": 1, "steps": "many"}"#, "steps", "wrong_type"),
        (#"{"finish": {"job": "x"}}"#, "finish.picks", "missing_field"),
        (#"{"finish": 1}"#, "finish", "wrong_type"),
    ])
    func saysWhatIsWrong(body: String, param: String, code: String) async throws {
        try await TestServer().test { client in
            let response = try await client.post(Self.path, body)
            #expect(response.status == 400, "\(response.text)")
            #expect(try response.error().param == param)
            #expect(try response.error().code == code)
        }
    }

    @Test(arguments: [
        "", "/events", "/images/0.png", "/images/1", "/images/-1.png", "/images/99999999999999999999.png",
        "/images/0.png.png", "/images/+0.png", "/images/..%2f..%2fetc%2fpasswd", "/images/%00.png",
    ])
    func knowsNoOtherJobs(suffix: String) async throws {
        try await TestServer().test { client in
            for id in [String(repeating: "0", count: 32), "x", "..", "%2e%2e"] {
                let response = try await client.get("\(Self.path)/\(id)\(suffix)")
                #expect(response.status == 404, "\(id)\(suffix): \(response.status)")
                _ = try response.error()
            }
        }
    }

    @Test(arguments: ["?stage=0", "?stage=3", "?stage=x", "?stage=", "?stage=01", "?stage=%2B1", "?download=yes"])
    func knowsNoOtherPictures(query: String) async throws {
        try await TestServer().test { client in
            let (id, _) = try await finished(#"{"class": 1}"#, client)
            #expect(try await client.get("\(Self.path)/\(id)/images/0.png\(query)").status == 400)
            #expect(try await client.get("\(Self.path)/\(id)/images/1.png").status == 404)
        }
    }

    // MARK: Cancelling

    @Test func cancels() async throws {
        let server = try TestServer(isOpen: false)
        try await server.test { client in
            let id = try #require(try await client.post(Self.path, #"{"class": 1}"#).json()["id"] as? String)
            await server.studio.gate.asked(1)
            let response = try await client.send("DELETE", "\(Self.path)/\(id)")
            #expect(response.status == 204)
            #expect(try await client.get("\(Self.path)/\(id)").json()["state"] as? String == "cancelled")
            #expect(try await client.send("DELETE", "\(Self.path)/\(id)").status == 204)
            server.studio.gate.isOpen = true
        }
    }
}
