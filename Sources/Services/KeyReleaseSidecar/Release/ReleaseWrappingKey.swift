import AttestationToken
import Attester
import Crypto
import CryptoExtras
import Encoding

/// The key pair of one release: born here, named in the evidence, and gone with the answer.
///
/// Since it is never used twice, an older answer does not open, and no nonce is needed.
final class ReleaseWrappingKey: Sendable {
    // Immutable; BoringSSL lets several threads use one RSA key, its blinding is behind a lock of its own.
    nonisolated(unsafe) let key: _RSA.Encryption.PrivateKey
    /// What the attestation binds: `{"keys":[JWK]}`.
    let runtimeData: [UInt8]

    /// Makes the key, away from the threads that others wait on.
    ///
    /// - Throws: `key-invalid` when the crypto library fails.
    /// - Source: sidecars page section 6, step 1: RSA-2048, `key_ops` a string.
    static func make() async throws(Refusal) -> ReleaseWrappingKey {
        try await offPool { () throws(Refusal) in try ReleaseWrappingKey() }
    }

    private init() throws(Refusal) {
        do { unsafe key = try _RSA.Encryption.PrivateKey(keySize: .bits2048) } catch {
            throw Refusal(.keyInvalid, "no wrapping key can be made on this machine")
        }
        let jwk = try JWK(unsafe key.publicKey, use: nil)
        var members = jwk.json.object ?? [:]
        members["kid"] = .string(jwk.thumbprint)
        members["key_ops"] = "encrypt"
        runtimeData = JSON.object(["keys": [.object(members)]]).canonical
    }
}
