import ECARPictures
import Foundation

/// The description of the API (OpenAPI 3.1): the file of the package, with the bounds of this server and the classes of its
/// model put in, so that it says exactly what is accepted here.
struct OpenAPIDocument: Sendable {
    let data: Data

    init(_ model: ServedModel, _ limits: Limits) throws {
        let names = model.description.classNames
        let stages = model.description.architecture.stages
        // Schemas by name, and what this server knows better.
        let known: [String: [String: any Sendable]] = [
            "ClassName": ["enum": names],
            "ClassNumber": ["maximum": names.count - 1],
            "Prompt": ["enum": names + names.indices.map(String.init)],
            "ImageCount": ["maximum": limits.images],
            "GenerationCount": ["maximum": min(GenerationsAPI.mostImages, limits.images)],
            "Classes": ["maxItems": limits.images],
            "Picks": ["maxItems": limits.images],
            "Size": ["enum": ["auto", model.size]],
            "TotalSteps": ["minimum": stages, "maximum": limits.steps],
            "StageSteps": ["minItems": stages, "maxItems": stages],
            "StageStep": ["maximum": max(1, limits.steps / stages)],
            "StageGuidance": ["minItems": stages, "maxItems": stages],
            "StageNumber": ["maximum": stages],
            "Precision": ["enum": model.precisions.map(\.rawValue)],
        ]
        let file = try Asset.description.map { try JSONSerialization.jsonObject(with: Data(buffer: $0.body)) }
        guard var document = file as? [String: Any], var info = document["info"] as? [String: Any],
            var components = document["components"] as? [String: Any],
            var schemas = components["schemas"] as? [String: Any]
        else { throw ServerError("the description of the API has no schemas") }
        for (name, values) in known {
            guard let schema = schemas[name] as? [String: Any] else {
                throw ServerError("the description of the API has no schema \(name)")
            }
            schemas[name] = schema.merging(values) { $1 }
        }
        components["schemas"] = schemas
        info["version"] = programVersion
        (document["components"], document["info"]) = (components, info)
        data = try JSONSerialization.data(withJSONObject: document, options: [.sortedKeys, .withoutEscapingSlashes])
    }
}
