import Foundation
import Testing
import Torch

/// Numbers of another program, written by one of the Scripts.
public struct TensorFile: Sendable {
    public let tensors: [String: Tensor]
    public let metadata: [String: String]

    public init(_ url: URL) throws {
        let file = try SafeTensors.read(url)
        (tensors, metadata) = (file.tensors, file.metadata)
    }

    /// Reads a file of the folder `Fixtures` beside the test that asks.
    public init(_ name: String, test: String = #filePath) throws {
        let folder = URL(fileURLWithPath: test).deletingLastPathComponent().appendingPathComponent("Fixtures")
        try self.init(folder.appendingPathComponent("\(name).safetensors"))
    }

    public subscript(_ name: String) -> Tensor {
        get throws { try #require(tensors[name], "the fixture has no tensor \(name)") }
    }
}
