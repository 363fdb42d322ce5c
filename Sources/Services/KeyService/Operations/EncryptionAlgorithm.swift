import AttestationToken
import Crypto
import CryptoExtras
import Encoding

/// How bytes, or a key of the caller's, are encrypted (key API reference, section 6).
enum EncryptionAlgorithm: Hashable, Sendable {
    /// OAEP with that hash; nil for RSAES-PKCS1-v1_5.
    case rsa(LibCrypto.Hash?)
    case gcm(bits: Int)
    case cbc(bits: Int, isPadded: Bool)
    /// RFC 3394; without a size, of whatever size the key is.
    case keyWrap(bits: Int?)
    /// RFC 5649.
    case keyWrapPadded

    private static let names: [String: EncryptionAlgorithm] = {
        var names: [String: EncryptionAlgorithm] = [
            "RSA1_5": .rsa(nil), "RSA-OAEP": .rsa(.sha1), "RSA-OAEP-256": .rsa(.sha256),
            "CKM_AES_KEY_WRAP": .keyWrap(bits: nil), "CKM_AES_KEY_WRAP_PAD": .keyWrapPadded,
        ]
        for bits in [128, 192, 256] {
            names["A\(bits)GCM"] = .gcm(bits: bits)
            names["A\(bits)CBC"] = .cbc(bits: bits, isPadded: false)
            names["A\(bits)CBCPAD"] = .cbc(bits: bits, isPadded: true)
            names["A\(bits)KW"] = .keyWrap(bits: bits)
        }
        return names
    }()

    /// - Throws: `request-malformed` for a name that the API does not have.
    init(_ name: String) throws(Refusal) {
        guard let algorithm = EncryptionAlgorithm.names[name] else {
            throw Refusal(.requestMalformed, "Property alg is not a known encryption algorithm.")
        }
        self = algorithm
    }

    /// Key wraps are for keys, and the modes of AES for data; RSA is for both.
    func serves(_ operation: KeyOperation) -> Bool {
        let wraps = operation == .wrapKey || operation == .unwrapKey
        return switch self {
        case .rsa: true
        case .gcm, .cbc: !wraps
        case .keyWrap, .keyWrapPadded: wraps
        }
    }

    /// Bits of the AES key that the algorithm wants; nil when it takes any.
    fileprivate var bits: Int? {
        switch self {
        case .gcm(let bits), .cbc(let bits, _): bits
        case .keyWrap(let bits): bits
        case .keyWrapPadded, .rsa: nil
        }
    }
}

/// The binary members of an encrypt, decrypt, wrap or unwrap body, and of its answer.
struct CipherText: Hashable, Sendable {
    var value: [UInt8]
    /// Initialisation vector.
    var iv: [UInt8]?
    /// Additional authenticated data.
    var aad: [UInt8]?
    var tag: [UInt8]?

    /// Most bytes of a value.
    static let maximumBytes = 65_536
}

extension KeyMaterial {
    private static func malformed(_ text: String) -> Refusal { Refusal(.requestMalformed, text) }
    private static var unsuitable: Refusal { malformed("Property alg does not suit the type and size of the key.") }
    private static var failed: Refusal { malformed("The value is not one that this key and alg can take.") }

    /// - Throws: `request-malformed` when algorithm, key and content do not belong together.
    func encrypt(
        _ plain: CipherText, _ algorithm: EncryptionAlgorithm, randomness: Randomness
    ) throws(Refusal) -> CipherText {
        try check(plain, algorithm)
        return try bytes.withBytes { key throws(Refusal) in
            switch algorithm {
            case .rsa(let hash):
                guard let value = LibCrypto.rsaEncrypt(plain.value, hash: hash, key: key) else {
                    throw KeyMaterial.failed
                }
                return CipherText(value: value)
            case .gcm:
                // A caller who repeats one would give the key away.
                guard plain.iv == nil else { throw KeyMaterial.malformed("Property iv is made by the service here.") }
                return try KeyMaterial.seal(plain, iv: randomness.bytes(12), key: SymmetricKey(data: key))
            case .cbc(_, let isPadded): return try KeyMaterial.cbc(plain, isPadded, key: key, encrypts: true)
            case .keyWrap:
                guard plain.value.count >= 16, plain.value.count.isMultiple(of: 8),
                    let value = try? AES.KeyWrap.wrap(
                        SymmetricKey(data: plain.value), using: SymmetricKey(data: key))
                else { throw KeyMaterial.failed }
                return CipherText(value: [UInt8](value))
            case .keyWrapPadded:
                guard let value = LibCrypto.aesWrapPadded(plain.value, key: key) else { throw KeyMaterial.failed }
                return CipherText(value: value)
            }
        }
    }

    /// - Throws: `request-malformed`, with one text for everything that is wrong with the content.
    func decrypt(_ cipher: CipherText, _ algorithm: EncryptionAlgorithm) throws(Refusal) -> CipherText {
        try check(cipher, algorithm)
        return try bytes.withBytes { key throws(Refusal) in
            switch algorithm {
            case .rsa(let hash):
                guard let value = LibCrypto.rsaDecrypt(cipher.value, hash: hash, key: key) else {
                    throw KeyMaterial.failed
                }
                return CipherText(value: value)
            case .gcm:
                guard let iv = cipher.iv, iv.count == 12, let tag = cipher.tag, tag.count == 16,
                    let nonce = try? AES.GCM.Nonce(data: iv),
                    let box = try? AES.GCM.SealedBox(nonce: nonce, ciphertext: cipher.value, tag: tag),
                    let value = try? AES.GCM.open(
                        box, using: SymmetricKey(data: key), authenticating: cipher.aad ?? [])
                else { throw KeyMaterial.failed }
                return CipherText(value: [UInt8](value))
            case .cbc(_, let isPadded): return try KeyMaterial.cbc(cipher, isPadded, key: key, encrypts: false)
            case .keyWrap:
                guard
                    let value = try? AES.KeyWrap.unwrap(cipher.value, using: SymmetricKey(data: key))
                else { throw KeyMaterial.failed }
                return CipherText(value: unsafe value.withUnsafeBytes { unsafe Array($0) })
            case .keyWrapPadded:
                guard let value = try? AESKeyWrapPadding.unwrap(cipher.value, with: SymmetricKey(data: key)) else {
                    throw KeyMaterial.failed
                }
                return CipherText(value: value)
            }
        }
    }

    private func check(_ content: CipherText, _ algorithm: EncryptionAlgorithm) throws(Refusal) {
        guard (1...CipherText.maximumBytes).contains(content.value.count) else {
            throw KeyMaterial.malformed("Property value is empty or too long.")
        }
        switch (algorithm, type) {
        case (.rsa, .rsa): return
        case (.rsa, _), (_, .rsa), (_, .ec): throw KeyMaterial.unsuitable
        case (_, .oct(let bits)):
            guard [128, 192, 256].contains(bits), algorithm.bits ?? bits == bits else { throw KeyMaterial.unsuitable }
        }
    }

    private static func seal(_ plain: CipherText, iv: [UInt8], key: SymmetricKey) throws(Refusal) -> CipherText {
        guard let nonce = try? AES.GCM.Nonce(data: iv),
            let box = try? AES.GCM.seal(plain.value, using: key, nonce: nonce, authenticating: plain.aad ?? [])
        else { throw failed }
        return CipherText(value: [UInt8](box.ciphertext), iv: iv, aad: plain.aad, tag: [UInt8](box.tag))
    }

    private static func cbc(
        _ content: CipherText, _ isPadded: Bool, key: [UInt8], encrypts: Bool
    ) throws(Refusal) -> CipherText {
        guard let iv = content.iv, let vector = try? AES._CBC.IV(ivBytes: iv) else {
            throw malformed("Property iv does not have 16 bytes.")
        }
        guard (encrypts && isPadded) || content.value.count.isMultiple(of: 16) else { throw failed }
        let key = SymmetricKey(data: key)
        do {
            let value =
                encrypts
                ? try AES._CBC.encrypt(content.value, using: key, iv: vector, noPadding: !isPadded)
                : try AES._CBC.decrypt(content.value, using: key, iv: vector, noPadding: !isPadded)
            return CipherText(value: [UInt8](value), iv: encrypts ? iv : nil)
        } catch {
            throw failed
        }
    }
}
