import Crypto
import CryptoExtras

/// A private key of the development root, of a kind that the vendors use.
enum AuthorityKey: Sendable {
    /// Intel's: ECDSA over P-256 with SHA-256.
    case p256(P256.Signing.PrivateKey)
    /// AMD's: RSASSA-PSS with SHA-384 and a salt of 48 bytes.
    case rsa(_RSA.Signing.PrivateKey)

    /// SubjectPublicKeyInfo in DER.
    var subjectPublicKeyInfo: [UInt8] {
        switch self {
        case .p256(let key): Array(key.publicKey.derRepresentation)
        case .rsa(let key): Array(key.publicKey.derRepresentation)
        }
    }

    /// The AlgorithmIdentifier of its signatures in DER.
    var signatureAlgorithm: [UInt8] {
        switch self {
        case .p256: return DERBytes.sequence(DERBytes.objectIdentifier("1.2.840.10045.4.3.2"))
        case .rsa:
            // RSASSA-PSS-params (RFC 4055 section 3.1); the trailer field is left at its default.
            let sha384 = DERBytes.sequence(DERBytes.objectIdentifier("2.16.840.1.101.3.4.2.2"), DERBytes.null)
            let mask = DERBytes.sequence(DERBytes.objectIdentifier("1.2.840.113549.1.1.8"), sha384)
            return DERBytes.sequence(
                DERBytes.objectIdentifier("1.2.840.113549.1.1.10"),
                DERBytes.sequence(
                    DERBytes.explicit(0, sha384), DERBytes.explicit(1, mask),
                    DERBytes.explicit(2, DERBytes.integer(48))))
        }
    }

    /// The signature value over `content`, as it stands in a certificate.
    func signature(over content: [UInt8]) throws -> [UInt8] {
        switch self {
        case .p256(let key): Array(try key.signature(for: content).derRepresentation)
        case .rsa(let key):
            Array(try key.signature(for: SHA384.hash(data: content), padding: .PSS).rawRepresentation)
        }
    }

    /// The SIGNED structure of X.509: `content`, the algorithm, the signature.
    func signed(_ content: [UInt8]) throws -> [UInt8] {
        DERBytes.sequence(content, signatureAlgorithm, DERBytes.bitString(try signature(over: content)))
    }

    /// PKCS #8 or PKCS #1 in DER, whichever the kind is read from.
    var privateDER: [UInt8] {
        switch self {
        case .p256(let key): Array(key.derRepresentation)
        case .rsa(let key): Array(key.derRepresentation)
        }
    }
}

/// 20 bytes that name a key: subject and authority key identifiers, and serial numbers where the vendor uses those.
func keyIdentifier(_ subjectPublicKeyInfo: [UInt8]) -> [UInt8] {
    Array(SHA256.hash(data: subjectPublicKeyInfo).prefix(20))
}
