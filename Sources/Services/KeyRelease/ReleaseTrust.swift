import AttestationToken
import Crypto
import CryptoExtras
package import Encoding
import Evidence

/// Who may sign release answers: services whose certificates end in one of a few roots, and, where a host is asked for,
/// name that host.
package struct ReleaseTrust: Sendable {
    /// SHA-256 of the SPKI of each accepted root.
    package var pins: Set<Encoding.Digest>
    /// DNS name or IPv4 address that the leaf must carry; nil where the pins alone say whose service it is (AC-050).
    package var host: String?

    package init(pins: some Sequence<Encoding.Digest>, host: String? = nil) {
        self.pins = Set(pins)
        self.host = host
    }

    /// A header of this API has three certificates.
    private static let certificates = 2...5

    /// Checks the signature by the leaf of `x5c`; every certificate signed by the next, the last one self-signed and
    /// accepted.
    ///
    /// - Throws: `endorsement-invalid`; `token-algorithm` for anything but RSA with PKCS#1 or PSS padding.
    func verify(_ jws: JWS, at time: Timestamp) throws(Refusal) {
        guard let algorithm = RSASignatureAlgorithm(rawValue: jws.algorithm) else {
            throw Refusal(.tokenAlgorithm, "a release answer is signed with RSA: RS256 to RS512 or PS256 to PS512")
        }
        let texts = jws.header["x5c"]?.strings ?? []
        guard Self.certificates.contains(texts.count) else { throw untrusted("x5c has \(texts.count) certificates") }
        var chain: [Certificate] = []
        for text in texts {
            guard let der = Base64.decode(text, .lenient) else { throw untrusted("x5c is not base64") }
            chain.append(try Certificate(der: der, refusing: .endorsementInvalid))
        }
        guard pins.contains(chain[chain.count - 1].pin) else { throw untrusted("its root is not accepted") }
        try requirePath(chain, at: time)
        if let host, !SubjectNames(chain[0]).contains(host: host) {
            throw untrusted("its certificate is not for the host that was asked")
        }
        let thumbprint = Encoding.Digest(of: chain[0].der).description
        guard jws.header["x5t#S256"] == nil || jws.header["x5t#S256"]?.string == thumbprint else {
            throw untrusted("x5t#S256 names another certificate")
        }
        guard case .rsa(let key) = chain[0].publicKey else { throw untrusted("its leaf has no RSA key") }
        guard algorithm.isValid(jws, by: key) else { throw untrusted("its signature is not of the leaf") }
    }

    /// What says of a key's id which key it is: the whole id; or, of a host that its certificate proves, the path,
    /// since vaults write their name as they like, and names of keys without regard to case.
    func subject(_ kid: String) -> String {
        guard host != nil else { return kid }
        let path = kid.split(separator: "://", maxSplits: 1).last?.drop { $0 != "/" }
        return (path.map(String.init) ?? kid).lowercased()
    }

    private func requirePath(_ chain: [Certificate], at time: Timestamp) throws(Refusal) {
        for (index, certificate) in chain.enumerated() {
            guard certificate.notBefore <= time, time <= certificate.notAfter else {
                throw untrusted("a certificate is not valid at \(time)")
            }
            let issuer = index + 1 < chain.count ? chain[index + 1] : certificate
            guard issuer.isCertificateAuthority, certificate.issuerName == issuer.subjectName,
                certificate.isSigned(by: issuer)
            else { throw untrusted("its chain does not hold") }
            // RFC 5280 section 4.2.1.9: the number of intermediates that may follow.
            if let limit = certificate.pathLength, index - 1 > limit { throw untrusted("its chain is too long") }
        }
    }

    private func untrusted(_ reason: String) -> Refusal {
        Refusal(.endorsementInvalid, "the release answer is not signed by an accepted key service: \(reason)")
    }
}

/// The RSA algorithms of RFC 7518 section 3.
private enum RSASignatureAlgorithm: String {
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"

    func isValid(_ jws: JWS, by key: _RSA.Signing.PublicKey) -> Bool {
        let signature = _RSA.Signing.RSASignature(rawRepresentation: jws.signature)
        let padding: _RSA.Signing.Padding = rawValue.hasPrefix("PS") ? .PSS : .insecurePKCS1v1_5
        switch self {
        case .rs256, .ps256:
            return key.isValidSignature(signature, for: SHA256.hash(data: jws.signingInput), padding: padding)
        case .rs384, .ps384:
            return key.isValidSignature(signature, for: SHA384.hash(data: jws.signingInput), padding: padding)
        case .rs512, .ps512:
            return key.isValidSignature(signature, for: SHA512.hash(data: jws.signingInput), padding: padding)
        }
    }
}
