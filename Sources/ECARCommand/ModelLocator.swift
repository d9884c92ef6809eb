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
            throw CommandError.usage("--model \(preset): a preset has no weights; only `ecar info` can use it")
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
            let hint = name.contains("/") ? "" : " and no shipped one has that name"
            throw CommandError.failure("--model \(name): there is no such folder\(hint); give a model's folder")
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
                "--config \(name): there is no such file and no shipped configuration of that name")
        }
        return URL(fileURLWithPath: name)
    }

    private static func find(_ folder: String, _ name: String, file: String?) -> URL? {
        guard !name.contains("/"), !name.isEmpty, name != ".", name != ".." else { return nil }
        return roots.lazy.map { $0.appendingPathComponent(folder).appendingPathComponent(name) }.first {
            FileManager.default.fileExists(atPath: (file.map($0.appendingPathComponent) ?? $0).path)
        }
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
