import ECARAutoencoder
import ECARPictures

extension ImageMetadata {
    /// - Parameters:
    ///   - name: What the user calls the model.
    ///   - file: Where the metadata are from.
    /// - Throws: `CommandError` where it was another model.
    func check(madeBy model: PreparedDirectory, called name: String, file: String) throws {
        guard self.model == model.digest else {
            throw CommandError.failure(
                "\(file): was made by the model \(self.model.prefix(12))…, and \(name) is "
                    + "\(model.digest.prefix(12))…; give the right one with --model")
        }
    }

    /// - Parameter file: Where the metadata are from.
    /// - Throws: `CommandError` where it was another autoencoder.
    func check(decodedBy autoencoder: any Autoencoder, file: String) throws {
        if let made = self.autoencoder, made != autoencoder.identity {
            throw CommandError.failure(
                "\(file): was decoded by \(made), and the autoencoder at hand is \(autoencoder.identity); give the right "
                    + "one with --autoencoder")
        }
    }
}
