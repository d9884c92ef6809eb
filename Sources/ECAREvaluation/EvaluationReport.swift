import Files
import Foundation

/// What an evaluation found, and all that is needed to find it again: `report.json`, and the page made of it.
public struct EvaluationReport: Codable, Sendable, Equatable {
    /// The network in whose features the pictures were compared.
    public struct Network: Codable, Sendable, Equatable {
        public enum Kind: String, Codable, Sendable {
            /// Of the FID papers; scores bear their usual names.
            case inception
            /// One of this project's own: its scores compare with none but those of the same network.
            case classifier
        }

        public var kind: Kind
        public var name: String
        /// SHA-256 of the file or files that it was read from, in hexadecimal.
        public var digest: String
        /// How pictures are brought to the network's size; nil where they are not.
        public var resize: String?
        /// D, the width of its features.
        public var features: Int
        /// Of a classifier, on real test pictures, where known: 0 … 1.
        public var accuracy: Double?

        public init(
            kind: Kind, name: String, digest: String, resize: String? = nil, features: Int, accuracy: Double? = nil
        ) {
            (self.kind, self.name, self.digest) = (kind, name, digest)
            (self.resize, self.features, self.accuracy) = (resize, features, accuracy)
        }
    }

    /// What the network ran on.
    public struct Machine: Codable, Sendable, Equatable {
        public var device: String
        public var precision: String
        public var threads: Int

        public init(device: String, precision: String, threads: Int) {
            (self.device, self.precision, self.threads) = (device, precision, threads)
        }
    }

    /// The program's version.
    public var version: String
    /// When the evaluation ended.
    public var date: Date
    /// The command line, as it may be given again.
    public var command: String
    /// In all.
    public var seconds: Double
    public var machine: Machine
    public var network: Network
    /// What the pictures were compared with; nil where no score compares.
    public var reference: PictureSet?
    /// One, or one for each point of a sweep; all with the same scores in the same order, the most telling one first.
    public var runs: [Run]
    /// What a reader must know to trust the scores no further than they go, in sentences.
    public var notes: [String]

    public init(
        version: String, date: Date, command: String, seconds: Double, machine: Machine, network: Network,
        reference: PictureSet?, runs: [Run], notes: [String] = []
    ) {
        (self.version, self.date, self.command, self.seconds) = (version, date, command, seconds)
        (self.machine, self.network, self.reference) = (machine, network, reference)
        (self.runs, self.notes) = (runs, notes)
    }

    // MARK: Files

    private static let json = "report.json"
    private static let page = "report.html"
    /// The largest `report.json` that is read, in bytes.
    private static let maximumSize = 256 << 20

    /// Writes `report.json` and `report.html`; the folder is made where it is missing.
    ///
    /// - Parameter pictures: Of the runs, in their order; may be fewer.
    /// - Throws: `FileError` where the folder cannot be written. Each file is whole or not there.
    public func write(to folder: URL, pictures: [EvaluationPictures] = []) throws(FileError) {
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw FileError(folder.path, "cannot be made a folder (\(error.localizedDescription))")
        }
        try writeAtomically(Data(html(pictures: pictures).utf8), to: folder.appendingPathComponent(Self.page))
        try writeAtomically(encoded(), to: folder.appendingPathComponent(Self.json))
    }

    /// Reads what ``write(to:pictures:)`` has written.
    ///
    /// - Throws: `FileError` where there is no report, or it is damaged.
    public static func read(from folder: URL) throws(FileError) -> EvaluationReport {
        let file = folder.appendingPathComponent(json)
        do {
            let handle = try FileHandle(forReadingFrom: file)
            let data = try handle.read(upToCount: maximumSize + 1) ?? Data()
            guard data.count <= maximumSize else { throw FileError(file.path, "is too large for a report") }
            let decoder = JSONDecoder()
            decoder.dateDecodingStrategy = .iso8601
            decoder.nonConformingFloatDecodingStrategy = .convertFromString(
                positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
            return try decoder.decode(EvaluationReport.self, from: data)
        } catch let error as FileError {
            throw error
        } catch let error as DecodingError {
            throw FileError(file.path, "is not an evaluation's report (\(error))")
        } catch {
            throw FileError(file.path, "cannot be read (\(error.localizedDescription))")
        }
    }

    /// For people to read: indented, keys sorted. A score that is no number is one of "nan", "inf" and "-inf".
    public func encoded() throws(FileError) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        do {
            return try encoder.encode(self) + Data("\n".utf8)
        } catch {
            throw FileError(Self.json, "cannot be encoded (\(error))")
        }
    }
}
