import CryptoExtras
package import Encoding

// What a holder does with a share.
extension DomainShare {
    /// Opens what `sealed` made.
    ///
    /// - Parameter pem: the holder's private key.
    /// - Throws: `key-invalid` for what is no RSA key, or that of another holder; `request-malformed`.
    package init(opening compact: String, privateKey pem: String) throws(Refusal) {
        let parts = compact.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let bytes = parts.compactMap { Base64.decode($0) }
        guard parts.count == 5, bytes.count == 5, let header = try? JSON.parse(bytes[0]),
            header["alg"] == "RSA-OAEP-256", header["enc"] == "A256GCM"
        else { throw Refusal(.requestMalformed, "this is no share of a security domain") }
        guard let key = try? _RSA.Encryption.PrivateKey(pemRepresentation: pem) else {
            throw Refusal(.keyInvalid, "this is no RSA key in PEM without a password")
        }
        guard let secret = try? key.decrypt(bytes[1], padding: .PKCS1_OAEP_SHA256),
            let content = try? SealingKey(bytes: Array(secret)).open(
                bytes[2] + bytes[3] + bytes[4], context: Array(parts[0].utf8)),
            let json = try? JSON.parse(content)
        else { throw Refusal(.keyInvalid, "the share is damaged, or is not this holder's") }
        try self.init(json)
    }
}
