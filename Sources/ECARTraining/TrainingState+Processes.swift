import ECAR
import Foundation
import Torch

extension TrainingState {
    /// What is not a tensor.
    private struct Numbers: Codable {
        var step: Int
        var seconds: Double
        var gradNorm: GradNorm?
    }

    /// Gives all processes the state of the first one.
    func share(in group: ProcessGroup) throws {
        try group.broadcastInPlace(
            model.parameters.tensors + average.tensors + optimizer.means + optimizer.squares)
        let own = try JSONEncoder().encode(Numbers(step: step, seconds: seconds, gradNorm: gradNorm))
        let bytes = try group.broadcast(Array(own))
        let numbers = try StrictJSON.decode(Numbers.self, from: Data(bytes), name: "the state of rank 0")
        (step, seconds, gradNorm) = (numbers.step, numbers.seconds, numbers.gradNorm)
        optimizer.step = step
    }
}
