import Foundation
import Testing

/// What `ecar benchmark` promises, tried on the built program with the smallest models.
@Suite struct BenchmarkCommandTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func benchmark(_ arguments: [String]) throws -> Program.Result {
        try Program.run(["benchmark", "--threads", "1"] + arguments, in: folder.url)
    }

    @Test func everyCaseIsMeasuredByItself() throws {
        try Sample.writeModel(folder["model"])
        let result = try benchmark([
            "--models", "tiny,model/", "--precision", "f32", "--precision", "bf16", "--batch", "1,3", "--steps", "3",
            "--rounds", "2", "--json", "--quiet",
        ])
        #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
        let report = try result.json()
        let machine = try #require(report["machine"] as? [String: Any])
        #expect(machine["threads"] as? Int == 1)
        let peak = try #require(machine["peak"] as? [String: Any])
        let f32 = try #require(peak["f32"] as? Double)
        #expect(f32 > 1)

        let results = try #require(report["results"] as? [[String: Any]])
        let names = results.map { "\($0["model"] ?? "") \($0["precision"] ?? "") \($0["batch"] ?? "")" }
        #expect(
            names == [
                "tiny f32 1", "tiny f32 3", "tiny bf16 1", "tiny bf16 3", "model/ f32 1", "model/ f32 3",
                "model/ bf16 1", "model/ bf16 3",
            ])
        for result in results {
            let (seconds, macs) = (result["seconds"] as? Double ?? 0, result["macs"] as? Double ?? 0)
            let batch = Double(result["batch"] as? Int ?? 0)
            let all = try #require(result["seconds_all"] as? [Double])
            #expect(all.count == 2 && abs(all.reduce(0, +) / 2 - seconds) < 1e-9 && seconds > 0)
            let gflops = try #require(result["gflops"] as? Double)
            #expect(abs(gflops / (2 * macs * batch / seconds / 1e9) - 1) < 1e-9)
            if result["precision"] as? String == "f32" {
                #expect(abs((result["peak_share"] as? Double ?? 0) / (gflops / f32) - 1) < 1e-9)
            }
            #expect((result["peak_memory_bytes"] as? Int ?? 0) > 50_000_000)
            #expect((result["load_memory_bytes"] as? Int ?? 0) > 50_000_000)
            #expect(result["steps"] as? Int == 3 && result["guided"] as? Bool == false)
            let stages = try #require(result["stages"] as? [[String: Any]])
            #expect(stages.compactMap { $0["side"] as? Int } == [8, 16, 32])
            let parts = stages.reduce(0) { $0 + ($1["seconds"] as? Double ?? 0) }
            #expect(parts > 0 && parts < 1.5 * seconds)
        }
    }

    @Test func theCostIsThatOfInfo() throws {
        let arguments = ["--models", "tiny", "--rounds", "1", "--json", "--quiet", "--guided"]
        let results = try #require(try benchmark(arguments).json()["results"] as? [[String: Any]])
        let info = try Program.run(["info", "--model", "tiny", "--json"], in: folder.url).json()
        #expect(results[0]["macs"] as? Double == info["macs"] as? Double)
        #expect(results[0]["parameters"] as? Int == info["parameters"] as? Int)
        #expect(results[0]["steps"] as? Int == 250 && results[0]["precision"] as? String == "bf16")
    }

    @Test func theTableAndTheFolderSayTheSame() throws {
        let result = try benchmark(["--models", "tiny,AR-tiny", "--steps", "3", "--rounds", "1", "--output", "new/out"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("preparing") && result.errors.contains("timing"))
        let table = result.output.prefix(while: { $0 != "\n" })
        #expect(table.contains("GFLOP/s") && result.output.contains("| AR-tiny "))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder["new/out"].path).sorted()
        #expect(names == ["benchmark.json", "benchmark.md", "benchmark.png"])
        let page = try String(contentsOf: folder["new/out/benchmark.md"], encoding: .utf8)
        #expect(page.contains(table))
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: folder["new/out/benchmark.json"]))
        #expect(((json as? [String: Any])?["results"] as? [Any])?.count == 2)
    }

    @Test func largerPicturesAreComparedWithOneTokenAfterAnother() throws {
        let result = try benchmark([
            "--scaling", "--models", "tiny", "--precision", "f32", "--steps", "5", "--quiet", "--json", "--output",
            "out",
        ])
        #expect(result.status == 0, "\(result.errors)")
        let points = try #require(try result.json()["scaling"] as? [[String: Any]])
        #expect(points.count == 12)
        #expect(points.compactMap { $0["seconds"] as? Double }.count == 6)
        #expect(points.prefix(3).compactMap { $0["tokens"] as? Int } == [64, 256, 1024])
        let names = try FileManager.default.contentsOfDirectory(atPath: folder["out"].path).sorted()
        #expect(names == ["scaling.json", "scaling.md", "scaling.png"])
    }

    @Test(arguments: [
        (["--models", "nope"], "there is no such model; give a model's name or folder, or some of E-CAR-S, "),
        (["--models", "tiny,E-CAR-L@300"], "E-CAR-L@300: pictures may have"),
        (["--models", "MAR-B@512"], "there is no MAR-B for pictures of this size"),
        (["--models", "tiny", "--steps", "2"], "3 stages"),
        (["--models", "tiny", "--steps", "0"], "--steps"),
        (["--models", "tiny,MAR-B", "--steps", "5000"], "MAR-B: there must be 1…1000 diffusion steps, not 5000"),
        (["--models", "tiny", "--rounds", "0"], "--rounds"),
        (["--models", "tiny", "--batch", "0"], "--batch"),
        (["--models", "tiny", "--precision", "f16"], "give some of f32, bf16"),
        (["--models", "tiny,DiT-B/2", "--scaling"], "of one model"),
        (["--models", "DiT-B/2", "--scaling"], "give one of E-CAR-S"),
        (["--models", "tiny", "--threads", "0"], "--threads"),
    ])
    func mistakesAreNamed(_ arguments: [String], _ message: String) throws {
        let result = try benchmark(arguments + ["--output", "out"])
        #expect(result.status == 64)
        #expect(result.errors.contains(message), "\(result.errors)")
        #expect(result.output.isEmpty && folder.visibleNames.isEmpty)
    }

    @Test func aDamagedModelIsNamed() throws {
        try Sample.writeModel(folder["model"])
        try Data("no weights".utf8).write(to: folder["model/model.safetensors"])
        let result = try benchmark(["--models", "model/", "--quiet", "--output", "out"])
        #expect(result.status == 1)
        #expect(result.errors.contains("model.safetensors"), "\(result.errors)")
        #expect(folder.visibleNames == ["model"])
    }

    // MARK: Ends before the end

    /// The processes that work for the benchmark of this test, where the system tells.
    private func workers() throws -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.filter { id in
            guard Int(id) != nil, let command = FileManager.default.contents(atPath: "/proc/\(id)/cmdline") else {
                return false
            }
            let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(id)/cwd")
            return String(decoding: command, as: UTF8.self).contains("benchmark-worker")
                && place.map { URL(fileURLWithPath: $0).lastPathComponent } == folder.url.lastPathComponent
        }
    }

    private static let endless = ["benchmark", "--threads", "1", "--models", "tiny,AR-tiny", "--rounds", "1000"]

    @Test(arguments: [(SIGINT, 130), (SIGTERM, 143), (SIGKILL, -9)] as [(Int32, Int32)])
    func nobodyIsLeft(_ signal: Int32, _ status: Int32) throws {
        let program = try Program(Self.endless + ["--output", "out"], in: folder.url)
        program.waitForErrors(containing: "timing")
        #if os(Linux)
            #expect(try workers().count == 2)
        #endif
        program.send(signal)
        let result = program.wait()
        #expect(result.status == status)
        #expect(result.errors.contains("interrupted") == (signal != SIGKILL), "\(result.errors)")
        // Those of a program that was killed notice it a little later.
        let deadline = Date.now + 20
        while try !workers().isEmpty, Date.now < deadline { Thread.sleep(forTimeInterval: 0.05) }
        #expect(try workers().isEmpty)
        #expect(folder.visibleNames.isEmpty)
    }

    #if os(Linux)
        @Test func aProcessThatEndsIsReported() throws {
            let program = try Program(Self.endless, in: folder.url)
            program.waitForErrors(containing: "timing")
            for worker in try workers().compactMap({ Int32($0) }) { kill(worker, SIGKILL) }
            let result = program.wait()
            #expect(result.status == 1)
            #expect(result.errors.contains("signal 9"), "\(result.errors)")
        }
    #endif
}
