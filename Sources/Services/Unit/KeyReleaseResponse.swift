import AttestationToken
import Crypto
package import CryptoExtras
package import Encoding
import Evidence

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a key service answers to a release, as a unit takes it: only if a pinned service signed it, for this request,
/// and the key opens with the unit's own wrapping key (architecture rule 17, key API reference section 8.6).
///
/// Anyone can wrap a key to a public key; it is the signature and the repeated nonce that say whose key this is.
package struct KeyReleaseResponse: Sendable {
    /// `https://host/keys/name/version` of the key that was released.
    package let keyID: String
    /// `RSA-HSM`, `EC-HSM` or `oct-HSM`.
    package let kty: String
    /// PKCS#8 DER, or the raw bytes of a symmetric key.
    package let material: Secret

    /// Longest answer that is looked at, in bytes.
    package static let maximumBytes = 256 * 1_024

    /// Verifies and unwraps the answer to a request that named `enc` and `nonce`.
    ///
    /// - Parameters:
    ///   - jws: the member `value` of the answer.
    ///   - pins: SHA-256 of the SPKI of the roots that the owner's policy names for this key service.
    ///   - kid: the id of the key as it was asked for: `https://host/keys/name`, or with the version.
    ///   - enc: as it was sent; `RSA_AES_KEY_WRAP_256` or `CKM_RSA_AES_KEY_WRAP`.
    ///   - nonce: as it was sent. Without one an older answer cannot be told apart, so units always send one.
    ///   - time: the moment at which the certificates must be valid.
    /// - Throws: `endorsement-invalid` when no pinned service signed it; `binding-mismatch` when it is the answer to
    ///   another request; `record-authentication` when the key does not open; `token-malformed` for the form.
    package static func open(
        jws compact: String, pins: [Encoding.Digest], kid: String, enc: String, nonce: String?,
        wrappingKey: _RSA.Encryption.PrivateKey, at time: Timestamp
    ) throws(Refusal) -> KeyReleaseResponse {
        let jws = try JWS(compact: compact, maximumBytes: maximumBytes)
        try verify(jws, pins: pins, at: time)
        let payload: JSON
        do throws(JSON.ParseError) { payload = try JSON.parse(jws.payload) } catch {
            throw Refusal(.tokenMalformed, "release answer: \(error)")
        }
        let request = payload["request"]
        guard request?["enc"]?.string == enc, request?["nonce"]?.string == nonce else {
            throw Refusal(.bindingMismatch, "the release answer is to another request")
        }
        guard let bundle = payload["response"]?["key"]?["key"], let released = bundle["kid"]?.string,
            let kty = bundle["kty"]?.string, let requested = request?["kid"]?.string
        else { throw Refusal(.tokenMalformed, "the release answer names no key") }
        // Services repeat the id without its version; the key that comes back always has one.
        guard kid == requested || kid == released, released.hasPrefix(requested + "/") || released == requested else {
            throw Refusal(.bindingMismatch, "the release answer is about another key")
        }
        return KeyReleaseResponse(
            keyID: released, kty: kty,
            material: try unwrap(bundle["key_hsm"]?.string, enc: enc, wrappingKey: wrappingKey))
    }

    private init(keyID: String, kty: String, material: Secret) {
        self.keyID = keyID
        self.kty = kty
        self.material = material
    }
}

// MARK: Signature

extension KeyReleaseResponse {
    /// RS256 by the leaf of `x5c`; every certificate signed by the next, the last one self-signed and pinned.
    ///
    /// The name in the leaf is not compared: names prove nothing here (AC-050), the pin does.
    private static func verify(
        _ jws: JWS, pins: [Encoding.Digest], at time: Timestamp
    ) throws(Refusal) {
        guard jws.algorithm == "RS256" else { throw Refusal(.tokenAlgorithm, "a release answer is signed with RS256") }
        let texts = jws.header["x5c"]?.strings ?? []
        guard (2...5).contains(texts.count) else { throw untrusted("x5c has \(texts.count) certificates") }
        var chain: [Certificate] = []
        for text in texts {
            guard let der = Base64.decode(text, .lenient) else { throw untrusted("x5c is not base64") }
            chain.append(try Certificate(der: der, refusing: .endorsementInvalid))
        }
        let root = chain[chain.count - 1]
        guard pins.contains(root.pin) else { throw untrusted("its root is not pinned") }
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
        guard case .rsa = chain[0].publicKey else { throw untrusted("its leaf has no RSA key") }
        do throws(Refusal) { try VerificationKey(chain[0].publicKey).verify(jws) } catch {
            throw untrusted("its signature is not of the leaf")
        }
    }

    private static func untrusted(_ reason: String) -> Refusal {
        Refusal(.endorsementInvalid, "the release answer is not signed by the pinned key service: \(reason)")
    }
}

// MARK: Key

extension KeyReleaseResponse {
    private static func unwrap(
        _ keyHSM: String?, enc: String, wrappingKey: _RSA.Encryption.PrivateKey
    ) throws(Refusal) -> Secret {
        let padding: _RSA.Encryption.Padding
        switch enc {
        case "RSA_AES_KEY_WRAP_256": padding = .PKCS1_OAEP_SHA256
        case "CKM_RSA_AES_KEY_WRAP": padding = .PKCS1_OAEP
        default: throw Refusal(.keyInvalid, "enc is not an algorithm that a unit asks for")
        }
        guard let bytes = keyHSM.flatMap({ Base64.decode($0) }), let json = try? JSON.parse(bytes),
            json["header"]?["enc"]?.string == enc,
            let ciphertext = json["ciphertext"]?.string.flatMap({ Base64.decode($0) })
        else { throw Refusal(.tokenMalformed, "the release answer carries no wrapped key") }
        let modulus = (wrappingKey.keySizeInBits + 7) / 8
        guard ciphertext.count > modulus,
            let transport = try? wrappingKey.decrypt(Array(ciphertext[..<modulus]), padding: padding),
            transport.count == 32
        else { throw Refusal(.recordAuthentication, "the released key does not open with the wrapping key") }
        let key = Secret(transport)
        return try key.withBytes { bytes throws(Refusal) in
            Secret(try AESKeyWrapPadding.unwrap(Array(ciphertext[modulus...]), with: SymmetricKey(data: bytes)))
        }
    }
}
