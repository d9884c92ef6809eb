import ECAR
import Foundation
import Torch

extension TrainingState {
    /// What is not a tensor.
    struct Numbers: Codable {
        var step: Int
        var seconds: Double
        var gradNorm: GradNorm?
    }

    var numbers: Numbers {
        get { Numbers(step: step, seconds: seconds, gradNorm: gradNorm) }
        set {
            (optimization.step, seconds, gradNorm) = (newValue.step, newValue.seconds, newValue.gradNorm)
        }
    }

    /// Gives all processes the state of the first one.
    func share(in group: ProcessGroup) throws {
        try group.broadcastInPlace(
            model.parameters.tensors + optimization.average.tensors + optimization.moments.map(\.tensor))
        let bytes = try group.broadcast(Array(JSONEncoder().encode(numbers)))
        numbers = try StrictJSON.decode(Numbers.self, from: Data(bytes), name: "the state of rank 0")
    }
}
