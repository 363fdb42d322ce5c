import Crypto
package import Encoding
package import Evidence

/// A certificate that signs policies, with the chain that was sent beside it (attestation API reference, sections 5.1
/// and 6).
///
/// Dates are not enforced, as the compatible service does not: an instance whose only signer has expired could not be
/// rescued otherwise.
package struct PolicySigner: Sendable {
    /// Standard base64 DER, leaf first, as it was sent.
    package let x5c: [String]
    package let leaf: Certificate

    /// Longest chain that is read.
    static let maximumCertificates = 8

    /// - Parameter x5c: the member `x5c` of a header or of a JWK.
    /// - Throws: `InvalidParameter` for certificates that cannot be read, do not form a chain, or end in a root that
    ///   may not issue certificates.
    package init(x5c: JSON) throws(APIError) {
        guard let texts = x5c.strings, !texts.isEmpty, texts.count <= Self.maximumCertificates else {
            throw Self.invalid("x5c is not an array of 1 to \(Self.maximumCertificates) certificates")
        }
        var chain: [Certificate] = []
        for text in texts {
            guard let der = Base64.decode(text, .lenient) else { throw Self.invalid("x5c is not base64") }
            do throws(Refusal) { chain.append(try Certificate(der: der, refusing: .endorsementInvalid)) } catch {
                throw APIError(status: 400, code: .invalidParameter, refusal: error)
            }
        }
        for (certificate, issuer) in zip(chain, chain.dropFirst()) {
            guard certificate.issuerName == issuer.subjectName, certificate.isSigned(by: issuer) else {
                throw Self.invalid("the certificates of x5c are not a chain, leaf first")
            }
        }
        for root in chain where root.issuerName == root.subjectName {
            guard root.isCertificateAuthority else {
                throw Self.invalid("a root certificate has no basic constraints with CA true")
            }
            guard root.isSigned(by: root) else { throw Self.invalid("a root certificate is not signed by itself") }
        }
        self.x5c = texts
        leaf = chain[0]
    }

    /// SHA-256 of the leaf's key: what an isolated instance compares.
    var pin: Encoding.Digest { leaf.pin }

    /// SHA-256 of the leaf: which registered certificate it is.
    var identity: Encoding.Digest { Encoding.Digest(of: leaf.der) }

    /// Upper-case hex of the leaf's SHA-1, by which the API names certificates.
    package var thumbprint: String { Hex.encode(Insecure.SHA1.hash(data: leaf.der)).uppercased() }

    /// The JWK of result claims.
    var jwk: JSON { Self.jwk(keyType: keyType, algorithm: algorithm, x5c: x5c) }

    /// The claim `x-ms-policy-signer` of attestation tokens, which has neither `alg` nor `use`.
    var claim: JSON { ["kty": .string(keyType), "x5c": .array(x5c.map { .string($0) })] }

    var keyType: String {
        switch leaf.publicKey {
        case .rsa: "RSA"
        case .p256, .p384: "EC"
        }
    }

    /// What this key's signatures are called when nothing says otherwise.
    var algorithm: String {
        switch leaf.publicKey {
        case .rsa: "RS256"
        case .p256: "ES256"
        case .p384: "ES384"
        }
    }

    static func jwk(keyType: String, algorithm: String, x5c: [String]) -> JSON {
        [
            "alg": .string(algorithm), "kty": .string(keyType), "use": "sig",
            "x5c": .array(x5c.map { .string($0) }),
        ]
    }

    private static func invalid(_ detail: String) -> APIError {
        APIError(status: 400, code: .invalidParameter, refusal: Refusal(.endorsementInvalid, detail))
    }
}

// MARK: Signatures

extension PolicySigner {
    /// Whether the leaf's key made `signature`.
    ///
    /// The certificate's key chooses the algorithm. The name in the header, which SDKs misspell, only chooses the longer
    /// hashes of RSA; ECDSA comes as r ‖ s or, from one SDK, as DER.
    func hasSigned(_ input: [UInt8], signature: [UInt8], algorithm name: String) -> Bool {
        let key = leaf.publicKey
        switch key {
        case .rsa:
            let hash: SignatureAlgorithm.Hash =
                switch name {
                case "RS384": .sha384
                case "RS512": .sha512
                default: .sha256
                }
            return key.isValid(signature: signature, over: input, algorithm: .rsaPKCS1(hash))
        case .p256:
            let raw = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
            return key.isValid(signature: signature, over: input, algorithm: .ecdsa(.sha256))
                || raw.map {
                    key.isValid(signature: $0.derRepresentation, over: input, algorithm: .ecdsa(.sha256))
                } ?? false
        case .p384:
            let raw = try? P384.Signing.ECDSASignature(rawRepresentation: signature)
            return key.isValid(signature: signature, over: input, algorithm: .ecdsa(.sha384))
                || raw.map {
                    key.isValid(signature: $0.derRepresentation, over: input, algorithm: .ecdsa(.sha384))
                } ?? false
        }
    }
}
