import ECAR
import ECARImages
import ECARReports
import Foundation
import Torch

/// Why the program ends early: a sentence for the user, and an exit status.
struct CommandError: Error {
    let message: String?
    let status: Int32

    /// Something went wrong: what, where, what to do.
    static func failure(_ message: String) -> CommandError { CommandError(message: message, status: 1) }

    /// The arguments cannot be meant as they are.
    static func usage(_ message: String) -> CommandError { CommandError(message: message, status: 64) }

    /// The same, said by one process of several.
    func of(rank: Int) -> CommandError {
        CommandError(message: message.map { "rank \(rank): \($0)" }, status: status)
    }

    /// The user pressed Ctrl-C, or a launcher wants the program to end.
    static var interrupted: CommandError { CommandError(message: "interrupted", status: Interrupt.status) }
}

/// Where the program writes: results to standard output, all else to standard error.
enum Terminal {
    static func printError(_ line: String) {
        writeError(line + "\n")
    }

    /// Writes to standard error; where that is not possible there is nobody to tell.
    static func writeError(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// - Throws: `CommandError` where standard output takes no more: it is a full disk, or a program that has gone.
    static func print(_ line: String) throws {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8))
        } catch {
            throw CommandError.failure("the results cannot be written to standard output")
        }
    }

    /// Prints a value as one JSON object, keys sorted.
    static func print(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// What the user typed, as it may be typed again.
    static var commandLine: String {
        (["ecar"] + CommandLine.arguments.dropFirst().map(ReportText.shellWord)).joined(separator: " ")
    }

    static func end(_ status: Int32) -> Never { exit(status) }

    static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}
