import ECAR
import ECARImages
import Files
import Foundation
import Torch

/// All that a run needs to go on from a step: a folder of four files.
struct Checkpoint {
    /// `state.json`: what is not a tensor.
    private struct State: Codable {
        var step: Int
        var seconds: Double
        var gradNorm: GradNorm?
        /// Pictures of the data set, so that a run does not go on with another one unnoticed.
        var pictures: Int
    }

    private enum File {
        static let weights = "weights.safetensors"
        static let average = "ema.safetensors"
        static let optimizer = "optimizer.safetensors"
        static let state = "state.json"
    }

    // MARK: Writing

    /// Writes the state into a new folder, which must not be visible under its final name before this returns.
    static func write(_ state: TrainingState, pictures: Int, to url: URL) throws {
        let names = state.model.parameters.names
        func write(_ tensors: [(String, Tensor)], _ file: String) throws {
            try SafeTensors.write(tensors, to: url.appendingPathComponent(file))
        }
        try write(Array(zip(names, state.model.parameters.tensors)), File.weights)
        try write(Array(zip(names, state.average.tensors)), File.average)
        let means = zip(names.map { "mean." + $0 }, state.optimizer.means)
        let squares = zip(names.map { "square." + $0 }, state.optimizer.squares)
        try write(Array(means) + Array(squares), File.optimizer)
        let rest = State(step: state.step, seconds: state.seconds, gradNorm: state.gradNorm, pictures: pictures)
        try writeAtomically(StrictJSON.encode(rest), to: url.appendingPathComponent(File.state))
        try syncFolder(url)
    }

    // MARK: Reading

    /// Restores a state.
    ///
    /// - Throws: `ECARError` naming the file and what is wrong with it.
    static func read(
        _ url: URL, configuration: TrainingConfiguration, pictures: Int, device: Device, group: ProcessGroup?
    ) throws -> TrainingState {
        let rest: State = try readState(url)
        guard rest.step == Int(url.lastPathComponent) else {
            throw ECARError("\(url.path): holds the state of step \(rest.step), not the one that it is named after")
        }
        guard rest.pictures == pictures else {
            throw ECARError(
                "the run was trained on \(rest.pictures) pictures so far, and the given data set has \(pictures): "
                    + "resume it with the data that it began with")
        }
        let weights = url.appendingPathComponent(File.weights)
        let state: TrainingState
        do {
            state = try TrainingState(
                configuration, weights: SafeTensors.read(weights).tensors, device: device, group: group)
        } catch let error as TorchError {
            throw ECARError("\(weights.path): \(error)")
        }
        let names = state.model.parameters.names
        try restore(state.average.tensors, names, url.appendingPathComponent(File.average))
        try restore(
            state.optimizer.means + state.optimizer.squares, names.map { "mean." + $0 } + names.map { "square." + $0 },
            url.appendingPathComponent(File.optimizer))
        state.optimizer.step = rest.step
        state.step = rest.step
        state.seconds = rest.seconds
        guard (rest.gradNorm == nil) == (state.gradNorm == nil),
            rest.gradNorm?.fits(stages: configuration.model.stages) ?? true
        else {
            throw ECARError("\(url.path): its GradNorm state does not fit the run's configuration")
        }
        state.gradNorm = rest.gradNorm
        return state
    }

    private static func readState(_ url: URL) throws -> State {
        let file = url.appendingPathComponent(File.state)
        guard let data = try? Data(contentsOf: file) else { throw ECARError("\(file.path): cannot be read") }
        return try StrictJSON.decode(State.self, from: data, name: file.path)
    }

    private static func restore(_ tensors: [Tensor], _ names: [String], _ url: URL) throws {
        let stored = try SafeTensors.read(url).tensors
        for (name, tensor) in zip(names, tensors) {
            guard let value = stored[name], value.shape == tensor.shape else {
                throw ECARError("\(url.path): the tensor \(name) is missing or has another shape")
            }
            try tensor.copyInPlace(value.to(tensor.device))
        }
    }
}
