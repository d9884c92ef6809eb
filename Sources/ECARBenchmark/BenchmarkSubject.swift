import Foundation
import Torch

/// A kind of model as a benchmark sees it: what it costs, and how to make it ready.
public protocol BenchmarkSubject: Sendable {
    /// What an image of the case costs, counted from the configuration alone.
    ///
    /// - Throws: ``BenchmarkError`` where the case cannot be.
    func cost(_ what: BenchmarkCase) throws -> BenchmarkCost

    /// Builds the model, with seeded random weights where it has none of its own.
    func prepare(_ what: BenchmarkCase, device: Device) throws -> any BenchmarkSampler
}

/// A model ready to be timed.
public protocol BenchmarkSampler {
    /// Takes a step of every kind, so that what happens once, such as compiling for these shapes, is not timed.
    func warmUp() throws

    /// Makes the case's batch of images once, from noise to latents.
    ///
    /// - Parameter didStep: Takes the share of the work that is done; it may throw to stop.
    /// - Returns: The seconds of every stage.
    func sample(didStep: (Double) throws -> Void) throws -> [Double]
}

/// Why a benchmark cannot be: one sentence.
public struct BenchmarkError: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }

    /// Checks what came out, which also waits for devices that work on their own.
    static func check(_ latents: Tensor, of what: BenchmarkCase) throws {
        guard try latents.isFinite() else {
            throw BenchmarkError("\(what.name): the images have entries that are NaN or infinite")
        }
    }
}

/// What one sampling took.
public struct BenchmarkRun: Codable, Sendable, Equatable {
    public let seconds: Double
    /// Of every stage.
    public let stages: [Double]

    public init(seconds: Double, stages: [Double]) { (self.seconds, self.stages) = (seconds, stages) }

    /// Takes the time of one sampling.
    public static func measure(
        _ sampler: any BenchmarkSampler, didStep: (Double) throws -> Void
    ) throws -> BenchmarkRun {
        let clock = ContinuousClock()
        let start = clock.now
        let stages = try sampler.sample(didStep: didStep)
        return BenchmarkRun(seconds: (clock.now - start) / .seconds(1), stages: stages)
    }
}
