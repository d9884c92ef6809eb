import ECAR
import Foundation

/// Finds models and configurations by path or by name.
///
/// A name is looked up in the folders `Models` and `Configs` of `$ECAR_HOME`, then of every folder from the program's and
/// from the current one upwards.
enum ModelLocator {
    /// The folder of a model.
    ///
    /// - Parameter name: A name, or the path of a model's folder or of a run's.
    static func model(_ name: String) throws -> URL {
        if let preset = ModelConfiguration.presets.first(where: { $0.name == name })?.name {
            throw CommandError.usage(
                "--model \(preset): a preset has no weights; `ecar info` and `ecar benchmark` show it, and a configuration's "
                    + "\"model\" can be one")
        }
        if let named = find("Models", name, file: "config.json") { return named }
        let path = URL(fileURLWithPath: name)
        let isRun = FileManager.default.fileExists(atPath: path.appendingPathComponent("checkpoints").path)
        if isRun {
            let model = path.appendingPathComponent("model")
            guard FileManager.default.fileExists(atPath: model.path) else {
                throw CommandError.failure("--model \(name): the run has no model yet; wait for its first checkpoint")
            }
            return model
        }
        guard FileManager.default.fileExists(atPath: path.path) else {
            throw CommandError.failure(
                "--model \(name): there is no such folder; give a model's folder\(orOne(of: "Models"))")
        }
        return path
    }

    /// The file of a training configuration.
    ///
    /// - Parameter name: A name such as `fashion-mnist`, or the path of a file.
    static func configuration(_ name: String) throws -> URL {
        if let named = find("Configs", name + ".json", file: nil) { return named }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: name, isDirectory: &isFolder), !isFolder.boolValue else {
            throw CommandError.failure(
                "--config \(name): there is no such file; give a configuration's file\(orOne(of: "Configs"))")
        }
        return URL(fileURLWithPath: name)
    }

    private static func find(_ folder: String, _ name: String, file: String?) -> URL? {
        guard !name.contains("/"), !name.isEmpty, name != ".", name != ".." else { return nil }
        return roots.lazy.map { $0.appendingPathComponent(folder).appendingPathComponent(name) }.first {
            FileManager.default.fileExists(atPath: (file.map($0.appendingPathComponent) ?? $0).path)
        }
    }

    /// What a hint says of the names in a folder.
    private static func orOne(of folder: String) -> String {
        let all = roots.lazy.compactMap {
            try? FileManager.default.contentsOfDirectory(atPath: $0.appendingPathComponent(folder).path)
        }.first
        guard let all else { return " (no folder \(folder) was found; set ECAR_HOME to the project's folder)" }
        let names = all.filter { !$0.hasPrefix(".") }.map { $0.hasSuffix(".json") ? String($0.dropLast(5)) : $0 }
        return ", or one of \(names.sorted().joined(separator: ", "))"
    }

    private static var roots: [URL] {
        let home = ProcessInfo.processInfo.environment["ECAR_HOME"].map { [URL(fileURLWithPath: $0)] } ?? []
        let program = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent()
        let current = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
        return home + [program, current].compactMap { $0 }.flatMap(ancestors)
    }

    /// A folder and all those that it lies in.
    private static func ancestors(_ url: URL) -> [URL] {
        var all = [url.standardizedFileURL]
        while let last = all.last, last.path != "/", !last.path.isEmpty { all.append(last.deletingLastPathComponent()) }
        return all
    }
}
