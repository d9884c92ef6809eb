import ECAR
import Foundation
import Torch
import TorchNN

/// A model directory whose model is prepared for sampling; the plain model is gone.
public struct PreparedDirectory: Sendable {
    public let description: ModelDescription
    public let digest: String
    public let model: PreparedModel

    /// - Throws: What ``ECAR/ModelDirectory/load(_:device:precision:)`` throws, and `TorchError` for a precision that the device has not.
    public init(_ folder: URL, device: Device, precision: Precision) throws {
        let directory = try ModelDirectory.load(folder, device: device, precision: precision)
        (description, digest) = (directory.description, directory.digest)
        model = try PreparedModel(directory.model, precision: precision)
        // Not earlier, or the weights that were packed would stay beside those that they became.
        Runtime.keepFreedMemory()
    }
}
