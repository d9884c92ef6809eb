import ECAR
import ECARImages
import Foundation
import Torch

extension StageGradients {
    /// Replaces the gradients and losses of this process's share of a batch by those of the whole batch: the mean over all
    /// processes, GradNorm's included, so that its norms are those of the whole batch too.
    mutating func average(over group: ProcessGroup) throws(TorchError) {
        try group.sumInPlace(total + shared.flatMap { $0 } + losses)
        try scale(1 / Double(group.processes))
    }
}

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
