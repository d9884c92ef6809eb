import ECAR
import ECARTraining
import Foundation
import Testing

/// Several processes share the work of one run.
@Suite(.serialized) struct ProcessesTests {
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try Sample.writePictures(folder["pictures"])
        try StrictJSON.encode(try Sample.configuration()).write(to: folder["config.json"])
    }

    /// The command that every process is started with.
    private func train(_ run: String, _ more: [String] = []) -> [String] {
        ["train", "--data", "pictures", "--config", "config.json", "--output", run, "--threads", "1"] + more
    }

    /// What torchrun tells its processes.
    private func environment(rank: Int, port: Int, restarts: Int = 0) -> [String: String] {
        [
            "RANK": "\(rank)", "LOCAL_RANK": "\(rank)", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": "\(port)", "TORCHELASTIC_RESTART_COUNT": "\(restarts)",
        ]
    }

    private func start(_ arguments: [String], restarts: Int = 0) throws -> [Program] {
        let port = Int.random(in: 20_000..<32_000)
        return try (0..<2).map { rank in
            try Program(
                arguments, in: folder.url, environment: environment(rank: rank, port: port, restarts: restarts))
        }
    }

    private func log(_ run: String) throws -> [LogEntry] {
        let text = try String(contentsOf: folder[run].appendingPathComponent("log.jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").map { try JSONDecoder().decode(LogEntry.self, from: Data($0.utf8)) }
    }

    /// A hundred losses of two processes are those of one within 0.1 %.
    @Test func twoProcessesLearnAsOne() throws {
        let settings = [
            "--set", "steps=100", "--set", "sampleEvery=100", "--set", "checkpointEvery=100",
            "--set", "stageShares=[1,1,0.5]", "--quiet",
        ]
        let one = try Program.run(train("one", settings), in: folder.url)
        #expect(one.status == 0, "\(one.errors)")
        let results = try start(train("two", settings)).map { $0.wait() }
        for result in results { #expect(result.status == 0, "\(result.errors)") }
        // The first alone says where the model is.
        #expect(results[1].output.isEmpty && results[0].output.contains("two/model"))
        let (alone, together) = (try log("one"), try log("two"))
        #expect(alone.count == 100 && together.map(\.step) == alone.map(\.step))
        for (a, b) in zip(alone, together) {
            for (x, y) in zip(a.losses, b.losses) { #expect(abs(x - y) <= 1e-3 * x, "step \(a.step): \(x) and \(y)") }
        }
    }

    /// Whichever dies, the other one ends with a clear sentence, and a restart goes on from the last checkpoint.
    @Test(arguments: [0, 1]) func aLostProcessEndsTheOther(lost: Int) throws {
        let settings = ["--set", "steps=1000000", "--set", "sampleEvery=1000000", "--set", "keepCheckpoints=1"]
        let programs = try start(train("run", settings))
        let checkpoints = folder["run/checkpoints"]
        while programs.allSatisfy(\.isRunning),
            (try? FileManager.default.contentsOfDirectory(atPath: checkpoints.path))?.contains("00000005") != true
        { Thread.sleep(forTimeInterval: 0.005) }
        programs[lost].send(SIGKILL)
        #expect(programs[lost].wait().status == -SIGKILL)
        let survivor = programs[1 - lost].wait()
        #expect(survivor.status == 1)
        #expect(survivor.errors.contains("Error: rank \(1 - lost): "), "\(survivor.errors)")
        #expect(survivor.errors.contains("lost"), "\(survivor.errors)")

        // The same command, as a launcher starts it again.
        let saved = try #require(
            try FileManager.default.contentsOfDirectory(atPath: checkpoints.path).compactMap { Int($0) }.max())
        let longer = train(
            "run", ["--resume", "--set", "steps=\(saved + 3)", "--set", "sampleEvery=1000000", "--quiet"])
        let results = try start(longer, restarts: 1).map { $0.wait() }
        for result in results { #expect(result.status == 0, "\(result.errors)") }
        #expect(try log("run").map(\.step) == Array(1...saved + 3))
    }

    /// Ctrl-C reaches all processes at once, a scheduler's signal perhaps one alone: all stop after the same step.
    @Test(arguments: [[0, 1], [0], [1]]) func aSignalSavesTheRunOnce(ranks: [Int]) throws {
        let programs = try start(train("run", ["--set", "steps=1000000", "--set", "sampleEvery=1000000"]))
        programs[0].waitForErrors(containing: "training")
        for rank in ranks { programs[rank].send(SIGTERM) }
        let results = programs.map { $0.wait() }
        #expect(results.allSatisfy { $0.status == 143 || $0.status == 130 }, "\(results.map(\.errors))")
        for rank in ranks { #expect(results[rank].status == 143) }
        #expect(results[0].errors.contains("--resume"))
        let saved = try log("run").count
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder["run/checkpoints"].path).compactMap { Int($0) }
                .max() == saved)
    }

    @Test(arguments: [
        (["WORLD_SIZE": "2"], "RANK is missing"),
        (["WORLD_SIZE": "3", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"], "rank 0: "),
    ])
    func impossibleGroups(environment: [String: String], expected: String) throws {
        let result = try Program.run(
            train("run", ["--timeout", "1"]), in: folder.url, environment: environment)
        #expect(result.status == 1)
        #expect(result.errors.contains(expected), "\(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: folder["run"].path))
    }

    @Test func processesMustSeeTheSameData() throws {
        try Sample.writePictures(folder["more"])
        try FileManager.default.copyItem(
            at: folder["more/sandal/0.png"], to: folder["more/sandal/9.png"])
        let port = Int.random(in: 20_000..<32_000)
        let programs = try (0..<2).map { rank in
            try Program(
                train("run", ["--data", rank == 0 ? "pictures" : "more"]), in: folder.url,
                environment: environment(rank: rank, port: port))
        }
        for result in programs.map({ $0.wait() }) {
            #expect(result.status == 1)
            #expect(result.errors.contains("not all processes see the same data"), "\(result.errors)")
        }
    }

    @Test(arguments: [
        ("batchSize=5", "batchSize 5 cannot be divided among 2 processes"),
        ("stageShares=[1,1,0.3]", "0.3 of the 2 pictures that are computed at once is no whole number"),
    ])
    func anOddBatchCannotBeDivided(change: String, expected: String) throws {
        let results = try start(train("run", ["--set", change])).map { $0.wait() }
        for result in results {
            #expect(result.status == 1)
            #expect(result.errors.contains(expected), "\(result.errors)")
        }
    }
}
