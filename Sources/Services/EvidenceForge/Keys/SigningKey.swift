package import Crypto
package import CryptoExtras

/// A private key of a simulated vendor or machine.
///
/// Certificates and lists, which are made again at each start, are signed deterministically: the same key and content give
/// the same bytes. Evidence is too where a memory was given, so that what a seed makes can be compared byte by byte; without
/// one the crypto library signs it, which is much faster.
package struct SigningKey: Sendable {
    /// What kind of key it is, and with that how it signs.
    package enum Kind: Sendable {
        /// Intel's: ECDSA over P-256 with SHA-256.
        case p256(P256.Signing.PrivateKey)
        /// AWS's, and the keys of AMD's chips: ECDSA over P-384 with SHA-384.
        case p384(P384.Signing.PrivateKey)
        /// AMD's authorities: RSASSA-PSS with SHA-384 and a salt of 48 bytes.
        case pss(_RSA.Signing.PrivateKey)
        /// Virtual TPMs and their authorities: RSASSA-PKCS1-v1_5 with SHA-256.
        case pkcs1(_RSA.Signing.PrivateKey)
    }

    package let kind: Kind
    /// SubjectPublicKeyInfo in DER.
    package let subjectPublicKeyInfo: [UInt8]
    /// What was signed before; nil when nobody compares bytes.
    private let memory: KeyMemory?

    package init(_ kind: Kind, memory: KeyMemory? = nil) {
        self.kind = kind
        self.memory = memory
        subjectPublicKeyInfo =
            switch kind {
            case .p256(let key): Array(key.publicKey.derRepresentation)
            case .p384(let key): Array(key.publicKey.derRepresentation)
            case .pss(let key), .pkcs1(let key): Array(key.publicKey.derRepresentation)
            }
    }

    /// x and y of a point of an elliptic curve; empty for RSA.
    package var point: [UInt8] {
        switch kind {
        case .p256(let key): Array(key.publicKey.rawRepresentation)
        case .p384(let key): Array(key.publicKey.rawRepresentation)
        case .pss, .pkcs1: []
        }
    }

    /// 20 bytes that name the key: subject and authority key identifiers, and serial numbers where the vendor uses those.
    package var identifier: [UInt8] { Array(SHA256.hash(data: subjectPublicKeyInfo).prefix(20)) }

    /// The AlgorithmIdentifier of its signatures in DER.
    var signatureAlgorithm: [UInt8] {
        switch kind {
        case .p256: return DERBytes.sequence(DERBytes.objectIdentifier("1.2.840.10045.4.3.2"))
        case .p384: return DERBytes.sequence(DERBytes.objectIdentifier("1.2.840.10045.4.3.3"))
        case .pss:
            // RSASSA-PSS-params (RFC 4055 section 3.1); the trailer field is left at its default.
            let sha384 = DERBytes.sequence(DERBytes.objectIdentifier("2.16.840.1.101.3.4.2.2"), DERBytes.null)
            let mask = DERBytes.sequence(DERBytes.objectIdentifier("1.2.840.113549.1.1.8"), sha384)
            return DERBytes.sequence(
                DERBytes.objectIdentifier("1.2.840.113549.1.1.10"),
                DERBytes.sequence(
                    DERBytes.explicit(0, sha384), DERBytes.explicit(1, mask),
                    DERBytes.explicit(2, DERBytes.integer(48))))
        case .pkcs1:
            return DERBytes.sequence(DERBytes.objectIdentifier("1.2.840.113549.1.1.11"), DERBytes.null)
        }
    }

    /// The signature over `content` in the form of evidence: r and s of equal length, or an RSA integer.
    package func rawSignature(over content: [UInt8]) throws -> [UInt8] {
        memory == nil ? try freshSignature(over: content) : try repeatableSignature(over: content)
    }

    private func freshSignature(over content: [UInt8]) throws -> [UInt8] {
        switch kind {
        case .p256(let key): Array(try key.signature(for: content).rawRepresentation)
        case .p384(let key): Array(try key.signature(for: content).rawRepresentation)
        case .pss(let key):
            Array(try key.signature(for: SHA384.hash(data: content), padding: .PSS).rawRepresentation)
        case .pkcs1(let key):
            Array(try key.signature(for: SHA256.hash(data: content), padding: .insecurePKCS1v1_5).rawRepresentation)
        }
    }

    private func repeatableSignature(over content: [UInt8]) throws -> [UInt8] {
        guard let memory else { return try derivedSignature(over: content) }
        return try memory.signature(signatureAlgorithm + subjectPublicKeyInfo, content) {
            try derivedSignature(over: content)
        }
    }

    private func derivedSignature(over content: [UInt8]) throws -> [UInt8] {
        switch kind {
        case .p256(let key): try DeterministicECDSA.signature(key, over: content)
        case .p384(let key): try DeterministicECDSA.signature(key, over: content)
        case .pss(let key): try DeterministicPSS.signature(key, over: content)
        case .pkcs1: try freshSignature(over: content)
        }
    }

    /// The SIGNED structure of X.509: `content`, the algorithm, the signature; the same bytes each time.
    func signed(_ content: [UInt8]) throws -> [UInt8] {
        var signature = try repeatableSignature(over: content)
        switch kind {
        case .p256: signature = Array(try P256.Signing.ECDSASignature(rawRepresentation: signature).derRepresentation)
        case .p384: signature = Array(try P384.Signing.ECDSASignature(rawRepresentation: signature).derRepresentation)
        case .pss, .pkcs1: break
        }
        return DERBytes.sequence(content, signatureAlgorithm, DERBytes.bitString(signature))
    }
}
