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

/// What a key service answers to a release, as its receiver takes it: only if a trusted service signed it, for this
/// request, and the key opens with the receiver's own wrapping key (architecture rule 17, key API reference 8.6).
///
/// Anyone can wrap a key to a public key; it is the signature and what it repeats that say whose key this is.
package struct KeyReleaseResponse: Sendable {
    /// `https://host/keys/name/version` of the key that was released.
    package let keyID: String
    /// `RSA-HSM`, `EC-HSM` or `oct-HSM`; the same without `-HSM` from some services.
    package let kty: String
    /// What the key is for, as its service says; empty where it does not.
    package let operations: [String]
    /// PKCS#8 DER, or the raw bytes of a symmetric key.
    package let material: Secret

    /// Longest answer that is looked at, in bytes.
    package static let maximumBytes = 256 * 1_024

    /// Verifies and unwraps the answer to a request that named `enc` and `nonce`.
    ///
    /// - Parameters:
    ///   - jws: the member `value` of the answer.
    ///   - trust: who may have signed it.
    ///   - kid: the id of the key as it was asked for: `https://host/keys/name`, or with the version.
    ///   - enc: as it was sent; nil where the choice was the service's.
    ///   - nonce: as it was sent. Without one, only a wrapping key of this request's own tells older answers apart.
    ///   - time: the moment at which the certificates must be valid.
    /// - Throws: `endorsement-invalid` when no trusted service signed it; `binding-mismatch` when it is the answer to
    ///   another request; `record-authentication` when the key does not open; `token-malformed` for the form.
    package static func open(
        jws compact: String, trust: ReleaseTrust, kid: String, enc: String?, nonce: String?,
        wrappingKey: _RSA.Encryption.PrivateKey, at time: Timestamp
    ) throws(Refusal) -> KeyReleaseResponse {
        let jws = try JWS(compact: compact, maximumBytes: maximumBytes)
        try trust.verify(jws, at: time)
        let payload: JSON
        do throws(JSON.ParseError) { payload = try JSON.parse(jws.payload) } catch {
            throw Refusal(.tokenMalformed, "release answer: \(error)")
        }
        let request = payload["request"]
        guard let used = request?["enc"]?.string, used == enc ?? used, request?["nonce"]?.string == nonce else {
            throw Refusal(.bindingMismatch, "the release answer is to another request")
        }
        guard let bundle = payload["response"]?["key"]?["key"], let released = bundle["kid"]?.string,
            let kty = bundle["kty"]?.string, let requested = request?["kid"]?.string
        else { throw Refusal(.tokenMalformed, "the release answer names no key") }
        // Services repeat the id without its version; the key that comes back always has one.
        let (wish, repeated, given) = (trust.subject(kid), trust.subject(requested), trust.subject(released))
        guard wish == repeated || wish == given || given.hasPrefix(wish + "/"),
            given.hasPrefix(repeated + "/") || given == repeated
        else { throw Refusal(.bindingMismatch, "the release answer is about another key") }
        return KeyReleaseResponse(
            keyID: released, kty: kty, operations: bundle["key_ops"]?.strings ?? [],
            material: try unwrap(bundle["key_hsm"]?.string, enc: used, wrappingKey: wrappingKey))
    }
}

// MARK: Key

extension KeyReleaseResponse {
    private static func unwrap(
        _ keyHSM: String?, enc: String, wrappingKey: _RSA.Encryption.PrivateKey
    ) throws(Refusal) -> Secret {
        guard let algorithm = KeyWrapAlgorithm(rawValue: enc) else {
            throw Refusal(.keyInvalid, "enc of the release answer is not a known algorithm")
        }
        guard let bytes = keyHSM.flatMap({ Base64.decode($0) }), let json = try? JSON.parse(bytes),
            json["header"]?["enc"]?.string == enc,
            let ciphertext = json["ciphertext"]?.string.flatMap({ Base64.decode($0) })
        else { throw Refusal(.tokenMalformed, "the release answer carries no wrapped key") }
        let modulus = (wrappingKey.keySizeInBits + 7) / 8
        guard ciphertext.count > modulus,
            let transport = algorithm.decrypt(Array(ciphertext[..<modulus]), with: wrappingKey), transport.count == 32
        else { throw Refusal(.recordAuthentication, "the released key does not open with the wrapping key") }
        return try transport.withBytes { bytes throws(Refusal) in
            Secret(try AESKeyWrapPadding.unwrap(Array(ciphertext[modulus...]), with: SymmetricKey(data: bytes)))
        }
    }
}
