import ECAR
import ECARPictures
import TorchNN

/// What the server says and believes of its model.
package struct ServedModel: Sendable {
    /// What people call it: its folder's name.
    package let name: String
    package let digest: String
    package let description: ModelDescription
    /// The precisions that this machine can compute in, and the one that requests get which name none.
    package let precisions: [Precision]
    package let precision: Precision

    package init(
        name: String, digest: String, description: ModelDescription, precisions: [Precision], precision: Precision
    ) {
        (self.name, self.digest, self.description) = (name, digest, description)
        (self.precisions, self.precision) = (precisions, precision)
    }

    /// No class name is longer, and a search for the nearest name takes no longer than this allows.
    static let longestClassName = 256

    /// "32x32", as OpenAI's API has it.
    var size: String {
        let side = description.pictureSides.last ?? 0
        return "\(side)x\(side)"
    }

    /// The images of a request: each class with the next seed.
    ///
    /// - Parameter seed: The first; nil: any.
    func images(of labels: [Int], seed: Int?) -> [ImageRequest] {
        let first = seed ?? Seed.random()
        return labels.enumerated().map { index, label in
            ImageRequest(
                class: label, className: description.classNames[label], seed: Seed.next(first, index))
        }
    }

    /// The class that a text names: its number, its name, or the beginning of just one name.
    ///
    /// - Parameter param: The field that the text came in.
    func label(_ text: String, param: String) throws(APIError) -> Int {
        let text = String(text.drop(while: \.isWhitespace))
        guard text.utf8.count <= Self.longestClassName else {
            throw .invalid("\(param) is too long to be a class", param: param, code: "unknown_class")
        }
        do {
            return try ClassNames(description.classNames).label(text)
        } catch {
            throw .invalid(error.message, param: param, code: "unknown_class")
        }
    }
}

/// A class as requests name it.
enum ClassReference: Decodable, Sendable {
    case number(Int)
    case name(String)

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self =
            if let number = try? container.decode(Int.self) { .number(number) } else {
                .name(try container.decode(String.self))
            }
    }

    func label(in model: ServedModel, param: String) throws(APIError) -> Int {
        switch self {
        case .number(let number): try model.label(String(number), param: param)
        case .name(let name): try model.label(name, param: param)
        }
    }
}
