import Encoding

/// The provider's model as it lies on disk: encrypted, with only the key's name readable.
enum SealedModel {
    /// Whether the file at `path` is `plaintext` sealed under the version `key`.
    static func isCurrent(_ path: String, of plaintext: [UInt8], key: String) -> Bool {
        guard let file = try? Files.read(path), let header = try? SealedFile.Header(of: file) else { return false }
        return header.key == key && header.name == DemonstrationModel.name
            && header.sha256 == Digest(of: plaintext)
    }

    static func seal(_ plaintext: [UInt8], key: String, material: [UInt8]) throws(CommandFailure) -> [UInt8] {
        do throws(Refusal) {
            return try SealedFile.seal(plaintext, key: Secret(material), kid: key, name: DemonstrationModel.name)
        } catch {
            throw CommandFailure(error.detail, code: error.name)
        }
    }
}
