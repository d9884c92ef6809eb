import ECARAutoencoder
import Foundation
import TestSupport
import Testing
import Torch

/// The files that Scripts/autoencoder_fixtures.py writes.
let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")

/// What diffusers' network makes of some inputs.
struct Expectation {
    private let file: TensorFile

    init(_ url: URL) throws {
        file = try TensorFile(url)
    }

    subscript(_ name: String) -> Tensor {
        get throws { try file[name] }
    }

    /// Compares the means, the logarithms of the variances where there are some, and the pictures.
    func check(_ autoencoder: any Autoencoder) throws {
        let cases = file.tensors.keys.filter { $0.hasPrefix("pictures.") }.map { String($0.dropFirst(9)) }
        #expect(!cases.isEmpty)
        for name in cases.sorted() {
            let posterior = try autoencoder.encode(self["pictures.\(name)"])
            try expectEqual(posterior.mean, self["mean.\(name)"], "mean.\(name)")
            let logVariance = file.tensors["logVariance.\(name)"]
            #expect((posterior.logVariance == nil) == (logVariance == nil))
            if let found = posterior.logVariance, let logVariance {
                try expectEqual(found, logVariance, "logVariance.\(name)")
            }
            try expectEqual(autoencoder.decode(self["latents.\(name)"]), self["decoded.\(name)"], "decoded.\(name)")
        }
    }
}

/// A folder of its own for a test, gone when the test is over.
final class TestFolder {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("autoencoder-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    /// Copies a fixture, under another name where one is given.
    @discardableResult func copy(_ fixture: String, as name: String? = nil) throws -> URL {
        let source = fixtures.appendingPathComponent(fixture)
        let target = url.appendingPathComponent(name ?? source.lastPathComponent)
        try FileManager.default.copyItem(at: source, to: target)
        return target
    }

    /// Writes a fixture's tensors after a change to them.
    func write(_ fixture: String, as name: String, _ change: (inout [String: Tensor]) throws -> Void) throws -> URL {
        var tensors = try SafeTensors.read(fixtures.appendingPathComponent(fixture)).tensors
        try change(&tensors)
        let target = url.appendingPathComponent(name)
        try SafeTensors.write(tensors.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, to: target)
        return target
    }
}
