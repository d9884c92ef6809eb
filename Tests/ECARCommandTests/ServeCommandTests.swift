import Foundation
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// What `ecar serve` promises, tried on the built program with a tiny untrained model.
@Suite struct ServeCommandTests {
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try Sample.writeModel(folder["model"])
    }

    /// A server that is ready, and where it is.
    private func start(_ options: [String] = []) throws -> (server: Program, url: URL) {
        let server = try Program(
            ["serve", "--model", "model", "--port", "0", "--device", "cpu"] + options, in: folder.url)
        let line = try #require(server.firstLine(), "\(server.wait().errors)")
        let text = try #require(line.wholeMatch(of: /Listening on (http:\/\/127\.0\.0\.1:[0-9]+)/)?.1, "\(line)")
        return (server, try #require(URL(string: String(text))))
    }

    /// Posts JSON and returns the answer as an object.
    private func post(_ url: URL, _ body: String) async throws -> (status: Int, answer: [String: Any]) {
        var request = URLRequest(url: url)
        request.httpMethod = "POST"
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.httpBody = Data(body.utf8)
        let (data, response) = try await URLSession.shared.data(for: request)
        let status = try #require(response as? HTTPURLResponse).statusCode
        return (status, try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any]))
    }

    @Test func servedPicturesReplay() async throws {
        let (server, url) = try start(["--quiet"])
        let (status, answer) = try await post(
            url.appendingPathComponent("v1/images/generations"),
            #"{"prompt": "sandal", "seed": 3, "response_format": "b64_json"}"#)
        #expect(status == 200, "\(answer)")
        let item = try #require((answer["data"] as? [[String: Any]])?.first)
        let png = try #require((item["b64_json"] as? String).flatMap { Data(base64Encoded: $0) })
        try png.write(to: folder["served.png"])
        #if os(Linux)
            // One that interrupts a matrix product that oneDNN generates would damage memory.
            #expect(try blockedSignals(of: server).allSatisfy { $0.isSuperset(of: [SIGINT, SIGTERM]) })
        #endif
        server.send(SIGTERM)
        let result = server.wait()
        #expect(result.status == 0)
        #expect(result.errors.isEmpty)

        let replay = try Program.run(["replay", "served.png", "--model", "model", "--device", "cpu"], in: folder.url)
        #expect(replay.status == 0, "\(replay.errors)")
    }

    #if os(Linux)
        /// What a program's threads block, but for the first one, which computes nothing.
        private func blockedSignals(of program: Program) throws -> [Set<Int32>] {
            let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(program.id)/task")
            return try threads.filter { $0 != "\(program.id)" }.map { thread in
                let status = try String(contentsOfFile: "/proc/\(program.id)/task/\(thread)/status", encoding: .utf8)
                let mask = try #require(
                    status.firstMatch(of: /SigBlk:\s*([0-9a-f]+)/).flatMap { UInt64($0.1, radix: 16) })
                return Set((1...64).filter { mask >> ($0 - 1) & 1 == 1 })
            }
        }
    #endif

    /// Being asked to stop is no failure, and work without grace is not waited for.
    @Test(arguments: [SIGINT, SIGTERM])
    func stopsWhenAsked(signal: Int32) async throws {
        let (server, url) = try start(["--grace", "0", "--max-steps", "99999", "--time-limit", "86400"])
        let (status, job) = try await post(
            url.appendingPathComponent("api/jobs"), #"{"class": 1, "count": 64, "steps": 99999}"#)
        #expect(status == 202, "\(job)")
        server.send(signal)
        let result = server.wait()
        #expect(result.status == 0)
        #expect(result.errors.contains("POST /api/jobs 202"))
        // A job's number is the key to its pictures.
        let id = try #require(job["id"] as? String)
        #expect(!result.errors.contains(id))
    }

    @Test(arguments: [
        (["--host", "0.0.0.0"], "--api-key-file"), (["--api-key-file", "nowhere.txt"], "nowhere.txt"),
        (["--api-key-file", "weak.txt"], "weak.txt, line 1"), (["--port", "65536"], "--port"),
        (["--max-images", "600"], "--queue"), (["--max-steps", "2"], "--max-steps"),
        (["--time-limit", "0"], "--time-limit"),
        (["--batch", "0"], "--batch"), (["--api-key-file", "good.txt", "--no-auth"], "--no-auth"),
    ])
    func refusesWhatCannotBeMeant(options: [String], complaint: String) throws {
        try Data("short\n".utf8).write(to: folder["weak.txt"])
        try Data("me:0123456789abcdef\n".utf8).write(to: folder["good.txt"])
        let result = try Program.run(["serve", "--model", "model", "--port", "0"] + options, in: folder.url)
        #expect(result.status == 64)
        #expect(result.output.isEmpty)
        #expect(result.errors.contains(complaint), "\(result.errors)")
    }

    @Test func saysWhereItCannotListen() async throws {
        let (server, url) = try start(["--quiet"])
        let second = try Program.run(
            ["serve", "--model", "model", "--device", "cpu", "--port", String(try #require(url.port))], in: folder.url)
        #expect(second.status == 1)
        #expect(second.errors.contains("127.0.0.1:\(try #require(url.port))"), "\(second.errors)")
        server.send(SIGTERM)
        #expect(server.wait().status == 0)
        let nowhere = try Program.run(
            ["serve", "--model", "model", "--device", "cpu", "--host", "nowhere.invalid", "--no-auth"], in: folder.url)
        #expect(nowhere.status == 1)
        #expect(nowhere.errors.contains("nowhere.invalid: there is no such host"), "\(nowhere.errors)")
    }
}
