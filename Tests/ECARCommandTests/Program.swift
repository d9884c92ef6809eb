import Foundation
import Testing

/// The built program `ecar`, run as a user would.
struct Program {
    /// Beside the tests, where the package manager puts both.
    static let url: URL? = {
        let tests = [CommandLine.arguments.first.map { URL(fileURLWithPath: $0) }, Bundle.main.executableURL]
        let bundles = Bundle.allBundles.map(\.bundleURL)
        let folders = (tests.compactMap { $0 } + bundles).map {
            $0.resolvingSymlinksInPath().deletingLastPathComponent()
        }
        return folders.map { $0.appendingPathComponent("ecar") }.first {
            FileManager.default.isExecutableFile(atPath: $0.path)
        }
    }()

    struct Result {
        let status: Int32
        let output: String
        let errors: String

        /// The output as a JSON object.
        func json() throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
        }
    }

    /// Runs to the end.
    static func run(_ arguments: [String], in folder: URL, environment: [String: String] = [:]) throws -> Result {
        try Program(arguments, in: folder, environment: environment).wait()
    }

    // MARK: A running program

    private let process = Process()
    private let output: URL
    private let errors: URL

    /// - Parameter environment: Variables besides those of the tests themselves.
    init(_ arguments: [String], in folder: URL, environment: [String: String] = [:]) throws {
        let id = UUID().uuidString
        output = folder.appendingPathComponent(".\(id).out")
        errors = folder.appendingPathComponent(".\(id).err")
        for url in [output, errors] { try Data().write(to: url) }
        let program: URL = try #require(Self.url, "the program ecar is not beside the tests")
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
    }

    private static let patience = 240.0

    var isRunning: Bool { process.isRunning }
    var id: Int32 { process.processIdentifier }

    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Waits until standard error contains a text, or the program is gone.
    func waitForErrors(containing text: String) {
        while isRunning, !Self.text(errors).contains(text) { Thread.sleep(forTimeInterval: 0.01) }
    }

    /// Waits for the first line of standard output; nil where the program ends without one.
    func firstLine() -> String? {
        let deadline = Date.now + Self.patience
        while Date.now < deadline {
            let isLast = !isRunning
            let text = Self.text(output)
            if let end = text.firstIndex(of: "\n") { return String(text[..<end]) }
            if isLast { return nil }
            Thread.sleep(forTimeInterval: 0.005)
        }
        return nil
    }

    /// Waits for the end; the status of a program that a signal ended is minus the signal. One that hangs is ended.
    func wait() -> Result {
        let deadline = Date.now + Self.patience
        while isRunning, Date.now < deadline { Thread.sleep(forTimeInterval: 0.005) }
        if isRunning { send(SIGKILL) }
        process.waitUntilExit()
        defer { for url in [output, errors] { try? FileManager.default.removeItem(at: url) } }
        let status = process.terminationStatus
        return Result(
            status: process.terminationReason == .uncaughtSignal ? -status : status, output: Self.text(output),
            errors: Self.text(errors))
    }

    private static func text(_ url: URL) -> String {
        String(decoding: (try? Data(contentsOf: url)) ?? Data(), as: UTF8.self)
    }
}
