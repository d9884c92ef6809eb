import ECARBenchmark
import Foundation

/// The models that `--models` can name: those of the catalogue, and any that has a folder.
enum BenchmarkModels {
    /// - Throws: `CommandError` listing the names where there is no such model.
    static func subject(_ name: String) throws -> any BenchmarkSubject {
        do {
            if let subject = try BenchmarkCatalogue.subject(name) { return subject }
        } catch let error as BenchmarkError {
            throw CommandError.usage("--models \(error)")
        }
        guard let folder = try? ModelLocator.model(name) else {
            throw CommandError.usage(
                "--models \(name): there is no such model; give a model's name or folder, or some of "
                    + BenchmarkCatalogue.names.joined(separator: ", "))
        }
        return try ECARSubject(folder: folder)
    }
}
