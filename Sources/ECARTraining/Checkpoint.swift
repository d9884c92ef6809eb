import ECAR
import ECARImages
import Files
import Foundation
import Torch

/// All that a run needs to go on from a step: a folder of four files.
struct Checkpoint {
    /// `state.json`: what is not a tensor.
    private struct State: Codable {
        var numbers: TrainingState.Numbers
        /// So that a run does not go on with other data unnoticed.
        var source: TrainingData.Source
    }

    private enum File {
        static let weights = "weights.safetensors"
        static let average = "ema.safetensors"
        static let optimizer = "optimizer.safetensors"
        static let state = "state.json"
    }

    // MARK: Writing

    /// Writes the state into a new folder, which must not be visible under its final name before this returns.
    static func write(_ state: TrainingState, _ source: TrainingData.Source, to url: URL) throws {
        let names = state.model.parameters.names
        func write(_ tensors: [(String, Tensor)], _ file: String) throws {
            try SafeTensors.write(tensors, to: url.appendingPathComponent(file))
        }
        try write(Array(zip(names, state.model.parameters.tensors)), File.weights)
        try write(Array(zip(names, state.optimization.average.tensors)), File.average)
        try write(state.optimization.moments, File.optimizer)
        let rest = State(numbers: state.numbers, source: source)
        try writeAtomically(StrictJSON.encode(rest), to: url.appendingPathComponent(File.state))
        try syncFolder(url)
    }

    // MARK: Reading

    /// Restores a state.
    ///
    /// - Throws: `ECARError` or `FileError` naming the file and what is wrong with it.
    static func read(
        _ url: URL, configuration: TrainingConfiguration, _ source: TrainingData.Source, device: Device,
        group: ProcessGroup?
    ) throws -> TrainingState {
        let rest: State = try readState(url)
        guard rest.numbers.step == Int(url.lastPathComponent) else {
            throw ECARError(
                "\(url.path): holds the state of step \(rest.numbers.step), not the one that it is named after")
        }
        guard rest.source.pictures == source.pictures else {
            throw ECARError(
                "the run was trained on \(rest.source.pictures) pictures so far, and the given data set has "
                    + "\(source.pictures): resume it with the data that it began with")
        }
        guard rest.source.encoder == source.encoder else {
            throw ECARError(
                "the run was trained on latents of \(rest.source.encoder) so far, and the given ones are of "
                    + "\(source.encoder): resume it with the data and autoencoder that it began with")
        }
        let weights = url.appendingPathComponent(File.weights)
        let state: TrainingState
        do {
            state = try TrainingState(
                configuration, weights: SafeTensors.read(weights).tensors, device: device, group: group)
        } catch let error as TorchError {
            throw ECARError("\(weights.path): \(error)")
        }
        let average = zip(state.model.parameters.names, state.optimization.average.tensors)
        try restore(Array(average), url.appendingPathComponent(File.average))
        try restore(state.optimization.moments, url.appendingPathComponent(File.optimizer))
        guard (rest.numbers.gradNorm == nil) == (state.gradNorm == nil),
            rest.numbers.gradNorm?.fits(stages: configuration.model.stages) ?? true
        else {
            throw ECARError("\(url.path): its GradNorm state does not fit the run's configuration")
        }
        state.numbers = rest.numbers
        return state
    }

    private static func readState(_ url: URL) throws -> State {
        let file = url.appendingPathComponent(File.state)
        guard let data = try? Data(contentsOf: file) else { throw ECARError("\(file.path): cannot be read") }
        return try StrictJSON.decode(State.self, from: data, name: file.path)
    }

    private static func restore(_ tensors: [(name: String, tensor: Tensor)], _ url: URL) throws {
        let stored = try SafeTensors.read(url).tensors
        for (name, tensor) in tensors {
            guard let value = stored[name], value.shape == tensor.shape else {
                throw ECARError("\(url.path): the tensor \(name) is missing or has another shape")
            }
            try tensor.copyInPlace(value.to(tensor.device))
        }
    }
}
