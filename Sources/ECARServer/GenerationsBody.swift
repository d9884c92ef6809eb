import ECAR
import TorchNN

/// The body of `POST /v1/images/generations`: OpenAI's fields, of which those without meaning here are ignored, and ours.
struct GenerationsBody: Decodable, Sendable {
    enum Form: String, CaseIterable, Sendable { case url, b64_json }
    private enum OutputFormat: String, CaseIterable { case png }
    private enum Background: String, CaseIterable { case auto, opaque }

    private enum Key: String, CodingKey, CaseIterable {
        case prompt, n, size, stream, background
        case responseFormat = "response_format"
        case outputFormat = "output_format"
        case seed, steps, guidance, solver, precision
        case timeShift = "time_shift"
        case parallelGuidance = "parallel_guidance"
    }

    /// The class.
    let prompt: String
    let n: Int?
    let size: String?
    let responseFormat: Form
    let stream: Bool?
    let seed: Int?
    let wishes: SamplingWishes
    let precision: Precision?

    init(from decoder: any Decoder) throws {
        let fields = try Fields<Key>(decoder, isStrict: false)
        prompt = try fields.value(.prompt)
        (n, size) = (try fields.optional(.n), try fields.optional(.size))
        responseFormat = try fields.choice(.responseFormat) ?? .url
        // Who asks for another kind of picture had better know that there is none.
        _ = try fields.choice(.outputFormat, of: OutputFormat.self)
        _ = try fields.choice(.background, of: Background.self)
        stream = try fields.optional(.stream)
        seed = try fields.optional(.seed)
        wishes = SamplingWishes(
            steps: try fields.optional(.steps), guidance: try fields.optional(.guidance),
            solver: try fields.choice(.solver), timeShift: try fields.optional(.timeShift),
            parallelGuidance: try fields.optional(.parallelGuidance))
        precision = try fields.choice(.precision)
    }

    /// - Parameter client: Whose wish it is.
    func request(_ model: ServedModel, _ limits: Limits, client: String) throws(APIError) -> JobRequest {
        let count = n ?? 1
        try check("n", count, in: 1...min(GenerationsAPI.mostImages, limits.images))
        if let seed { try check("seed", seed, in: 0...Seed.largest) }
        guard size == nil || size == "auto" || size == model.size else {
            throw .invalid("size must be auto or \(model.size)", param: "size", code: "wrong_value")
        }
        guard stream != true else {
            throw .invalid(
                "this address does not stream; POST /api/jobs does", param: "stream", code: "wrong_value")
        }
        let label = try model.label(prompt, param: "prompt")
        return JobRequest(
            work: .images(model.images(of: Array(repeating: label, count: count), seed: seed)),
            settings: try wishes.settings(model.description.sampling, mostSteps: limits.steps),
            precision: precision ?? model.precision, client: client, timeLimit: limits.timeLimit)
    }
}
