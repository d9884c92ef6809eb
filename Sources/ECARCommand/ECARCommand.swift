import ArgumentParser
import ECARPictures
import Foundation

/// The program `ecar`.
@main
struct ECARCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ecar",
        abstract: "Fast class-conditional image generation, coarse to fine (E-CAR, arXiv 2412.14170).",
        version: programVersion,
        subcommands: [
            Sample.self, Finish.self, Replay.self, Serve.self, Train.self, Encode.self, Evaluate.self,
            TrainClassifier.self, Info.self, Benchmark.self, BenchmarkWorker.self,
        ])

    /// Exit status: 0 done, 1 failure, 64 wrong usage, 130 after Ctrl-C.
    static func main() async {
        // A reader that goes away, such as `head`, is then an error that is cleaned up after.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as CommandError {
            if let message = error.message { Terminal.printError("Error: \(message)") }
            Terminal.end(error.status)
        } catch {
            exit(withError: error)
        }
    }
}
