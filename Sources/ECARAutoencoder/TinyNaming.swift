import Files
import Torch
import TorchNN

/// How a file names the modules of a half of TAESDXL.
///
/// Its author keeps the halves in two files, where the clamp of the decoder's input is module 0; diffusers keeps them in
/// one file, and does not count the clamp.
struct TinyNaming {
    /// What all names of the half begin with, without the dot; nil for nothing.
    let prefix: String?
    /// The number of the first convolution, by which the half is known.
    let first: Int

    private static let encoders = [TinyNaming(prefix: "encoder.layers", first: 0), TinyNaming(prefix: nil, first: 0)]
    private static let decoders = [TinyNaming(prefix: "decoder.layers", first: 0), TinyNaming(prefix: nil, first: 1)]

    static func encoder(in file: AutoencoderFile) -> TinyNaming? { encoders.first { $0.width(in: file) != nil } }
    static func decoder(in file: AutoencoderFile) -> TinyNaming? { decoders.first { $0.width(in: file) != nil } }

    /// The channels that the first convolution makes, where the file has one.
    func width(in file: AutoencoderFile) -> Int? {
        file.tensors[(prefix.map { $0 + "." } ?? "") + "\(first).weight"]?.shape.first
    }

    func place(in parameters: Parameters) -> Parameters { prefix.map(parameters.scope) ?? parameters }
}

extension AutoencoderTiny {
    /// TAESDXL of one file with either naming, or of two halves in any order.
    ///
    /// - Throws: `FileError` where the files are not that.
    init(_ files: [AutoencoderFile], device: Device) throws(FileError) {
        var (encoder, decoder): (TinyNetwork?, TinyNetwork?)
        for file in files {
            let (encoderNaming, decoderNaming) = (TinyNaming.encoder(in: file), TinyNaming.decoder(in: file))
            guard encoderNaming != nil || decoderNaming != nil else {
                throw FileError(
                    file.url.path, "holds no autoencoder of a known kind",
                    remedy: "Give TAESDXL as its author or diffusers writes it, or SDXL's autoencoder as diffusers does"
                )
            }
            guard encoderNaming == nil || encoder == nil, decoderNaming == nil || decoder == nil else {
                throw FileError(file.url.path, "is not the other half of \(files[0].url.lastPathComponent)")
            }
            try file.build(device) { (parameters) throws(TorchError) in
                if let naming = encoderNaming, let width = naming.width(in: file) {
                    encoder = try TinyNetwork(encoder: naming.place(in: parameters), width: width)
                }
                if let naming = decoderNaming, let width = naming.width(in: file) {
                    decoder = try TinyNetwork(
                        decoder: naming.place(in: parameters), width: width, first: naming.first)
                }
            }
        }
        // Whichever half was named first, the weights are the same.
        let ordered = files.sorted { TinyNaming.encoder(in: $0) != nil && TinyNaming.encoder(in: $1) == nil }
        self.init(
            encoder: encoder, decoder: decoder, device: device,
            identity: "taesdxl-" + AutoencoderFile.digest(ordered))
    }
}
