public import Crypto
public import CryptoExtras
import Encoding

/// A public key of a certificate, of a kind that evidence of any vendor uses.
public enum PublicKey: Sendable {
    case p256(P256.Signing.PublicKey)
    case p384(P384.Signing.PublicKey)
    /// RSA with at least 2,048 bits.
    case rsa(_RSA.Signing.PublicKey)
}

extension PublicKey {
    /// Reads a `SubjectPublicKeyInfo`: P-256 or P-384 as an uncompressed point on a named curve, or RSA.
    init(_ node: DERValue) throws {
        let (algorithm, curve, key) = try node.members { nodes in
            let (algorithm, curve) = try nodes.required().members { inner in
                let algorithm = try inner.required().objectIdentifier
                let parameters = try inner.required()
                if algorithm == .ecPublicKey { return (algorithm, Optional(try parameters.objectIdentifier)) }
                try parameters.requireNull()
                return (algorithm, nil)
            }
            return (algorithm, curve, try nodes.required().bits.bytes)
        }
        switch (algorithm, curve) {
        case (.ecPublicKey, .p256): self = .p256(try P256.Signing.PublicKey(x963Representation: key))
        case (.ecPublicKey, .p384): self = .p384(try P384.Signing.PublicKey(x963Representation: key))
        case (.rsaEncryptionKey, nil): self = .rsa(try _RSA.Signing.PublicKey(derRepresentation: key))
        default: throw UnsupportedASN1.publicKey
        }
    }

    /// Whether `signature` over `message` is this key's, made with exactly `algorithm`.
    ///
    /// A key of another kind than the algorithm's, and P-256 or P-384 with another hash than their own, give false.
    ///
    /// - Parameter signature: as X.509 carries it: DER of r and s for ECDSA, the modulus-long integer for RSA.
    public func isValid(
        signature: some Collection<UInt8>, over message: some Collection<UInt8>, algorithm: SignatureAlgorithm
    ) -> Bool {
        let signature = Array(signature)
        let message = Array(message)
        switch (self, algorithm) {
        case (.p256(let key), .ecdsa(.sha256)):
            guard let signature = try? P256.Signing.ECDSASignature(derRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: SHA256.hash(data: message))
        case (.p384(let key), .ecdsa(.sha384)):
            guard let signature = try? P384.Signing.ECDSASignature(derRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: SHA384.hash(data: message))
        case (.rsa(let key), .rsaPKCS1(let hash)):
            return key.isValid(signature, over: message, hash: hash, padding: .insecurePKCS1v1_5)
        case (.rsa(let key), .rsaPSS(let hash)):
            return key.isValid(signature, over: message, hash: hash, padding: .PSS)
        case (.p256, _), (.p384, _), (.rsa, _):
            return false
        }
    }
}

extension _RSA.Signing.PublicKey {
    fileprivate func isValid(
        _ signature: [UInt8], over message: [UInt8], hash: SignatureAlgorithm.Hash, padding: _RSA.Signing.Padding
    ) -> Bool {
        let signature = _RSA.Signing.RSASignature(rawRepresentation: signature)
        return switch hash {
        case .sha256: isValidSignature(signature, for: SHA256.hash(data: message), padding: padding)
        case .sha384: isValidSignature(signature, for: SHA384.hash(data: message), padding: padding)
        case .sha512: isValidSignature(signature, for: SHA512.hash(data: message), padding: padding)
        }
    }
}
