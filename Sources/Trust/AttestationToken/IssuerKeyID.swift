import Crypto
import CryptoExtras
import Encoding
public import Evidence

extension PublicKey {
    /// The `kid` under which the compatible attestation API publishes this signing key: standard base64 of SHA-256
    /// over the PEM text of the public key followed by one zero byte.
    ///
    /// - Source: attestation API reference, section 3.2.
    public var attestationKeyID: String {
        let der: [UInt8] =
            switch self {
            case .p256(let key): Array(key.derRepresentation)
            case .p384(let key): Array(key.derRepresentation)
            case .rsa(let key): Array(key.derRepresentation)
            }
        let text = Array(PEM.encode(der, label: "PUBLIC KEY").utf8) + [0]
        return Base64.encodeStandard(SHA256.hash(data: text))
    }
}
