import Crypto
package import CryptoExtras
import Encoding

/// All private keys, identifiers and other chosen bytes of a simulated world, each by its name.
///
/// Elliptic-curve keys and bytes are derived from one secret. RSA keys cannot be derived with the crypto library, so they
/// are given.
package struct KeyRing: Sendable {
    /// The RSA keys of a simulated world.
    package enum RSAName: String, Hashable, Sendable, CaseIterable {
        case arkMilan, arkGenoa, arkTurin
        /// Of every product's ASK and ASVK.
        case ask
        case vtpmRoot, vtpmAuthority
        /// The attestation key of a virtual TPM.
        case attestationKey

        /// Length of the vendor's own key.
        package var bits: Int {
            switch self {
            case .arkMilan, .arkGenoa, .arkTurin, .ask: 4096
            case .vtpmRoot, .vtpmAuthority, .attestationKey: 2048
            }
        }
    }

    private let secret: SymmetricKey
    private let rsa: [RSAName: _RSA.Signing.PrivateKey]
    private let memory: KeyMemory?

    /// - Parameter memory: what its keys have signed before, where they sign the same things again.
    package init(secret: [UInt8], rsa: [RSAName: _RSA.Signing.PrivateKey], memory: KeyMemory? = nil) {
        self.secret = SymmetricKey(data: secret)
        self.rsa = rsa
        self.memory = memory
    }

    /// Bytes that depend on the secret and on nothing but their name.
    package func bytes(_ name: String, _ count: Int) -> [UInt8] {
        let derived = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: secret, salt: Array("cloister forge 1".utf8), info: Array(name.utf8),
            outputByteCount: count)
        return unsafe derived.withUnsafeBytes { unsafe Array($0) }
    }

    /// - Throws: for a scalar outside the group's order, which one secret in 2³² would give.
    package func p256(_ name: String) throws -> SigningKey {
        try key("p256/" + name) { .p256(try P256.Signing.PrivateKey(rawRepresentation: bytes(name, 32))) }
    }

    /// - Throws: for a scalar outside the group's order, which no secret will give.
    package func p384(_ name: String) throws -> SigningKey {
        try key("p384/" + name) { .p384(try P384.Signing.PrivateKey(rawRepresentation: bytes(name, 48))) }
    }

    /// An RSA key that signs as AMD's authorities do.
    ///
    /// - Throws: when the ring was made without this key.
    package func pss(_ name: RSAName) throws -> SigningKey {
        try key("pss/" + name.rawValue) { .pss(try rsa(name)) }
    }

    /// An RSA key that signs as virtual TPMs do.
    ///
    /// - Throws: when the ring was made without this key.
    package func pkcs1(_ name: RSAName) throws -> SigningKey {
        try key("pkcs1/" + name.rawValue) { .pkcs1(try rsa(name)) }
    }

    private func key(_ name: String, _ derive: () throws -> SigningKey.Kind) throws -> SigningKey {
        guard let memory else { return SigningKey(try derive()) }
        return try memory.key(name) { SigningKey(try derive(), memory: memory) }
    }

    package func rsa(_ name: RSAName) throws -> _RSA.Signing.PrivateKey {
        guard let key = rsa[name] else { throw CryptoKitError.incorrectKeySize }
        return key
    }
}

// MARK: Forged worlds

extension KeyRing {
    /// The keys of the world that a seed names: all derived from it but the RSA keys, which are `FixedRSAKeys`.
    ///
    /// - Parameter isStranger: another world of the same seed, in which no key is that of the first.
    package static func forged(seed: String, isStranger: Bool = false) throws -> KeyRing {
        var rsa: [RSAName: _RSA.Signing.PrivateKey] = [:]
        for name in RSAName.allCases { rsa[name] = try FixedRSAKeys.key(isStranger ? name.stranger : name) }
        let secret = Array("\(isStranger ? "stranger" : "world")/\(seed)".utf8)
        return KeyRing(secret: secret, rsa: rsa, memory: KeyMemory())
    }
}

extension KeyRing.RSAName {
    /// Whose fixed key has this name among strangers: one of the same length that has another name here.
    fileprivate var stranger: KeyRing.RSAName {
        switch self {
        case .arkMilan: .arkGenoa
        case .arkGenoa: .arkTurin
        case .arkTurin: .ask
        case .ask: .arkMilan
        case .vtpmRoot: .vtpmAuthority
        case .vtpmAuthority: .attestationKey
        case .attestationKey: .vtpmRoot
        }
    }
}
