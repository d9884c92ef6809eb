import Torch

/// Images some of whose stages are complete: all that is needed to go on with them, since the token maps are a function of it.
public struct Draft: Sendable {
    /// One class an image.
    public var labels: [Int]
    /// The clean images x̂_1 … x̂_s, each (B, C, h, h).
    public var stages: [Tensor]

    public init(labels: [Int], stages: [Tensor]) {
        (self.labels, self.stages) = (labels, stages)
    }

    /// The images of the given places, in their order; a place may come more than once.
    ///
    /// - Throws: ``ECARError`` where there is no such place.
    public func picking(_ places: [Int]) throws -> Draft {
        guard !places.isEmpty, places.allSatisfy(labels.indices.contains) else {
            throw ECARError("there are the images 0…\(labels.count - 1) to pick from, not \(places)")
        }
        return Draft(
            labels: places.map { labels[$0] },
            stages: try stages.map { try $0.gather(0, Tensor(places, device: $0.device)) })
    }

    /// - Throws: ``ECARError`` where no model of this configuration can have made it.
    func validate(_ configuration: ModelConfiguration) throws(ECARError) {
        if let wrong = labels.first(where: { !(0..<configuration.classes).contains($0) }) {
            throw ECARError("there is no class \(wrong): the model has the classes 0…\(configuration.classes - 1)")
        }
        let shapes = configuration.latentShapes(batch: labels.count)
        guard !labels.isEmpty, stages.map(\.shape) == Array(shapes.prefix(stages.count)) else {
            throw ECARError("images of the shapes \(stages.map(\.shape)) are none of this model's, which are \(shapes)")
        }
    }
}
