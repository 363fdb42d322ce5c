import Crypto
import Encoding

/// The numbers and algorithms of one Oblivious HTTP key: what stands in the seven bytes before every request.
///
/// A type of its own, apart from `Suite`, so that RFC 9458's published example runs through the same code although
/// its suite is not one that Cloister offers. KDF and response derivation are HKDF-SHA256, the AEAD is AES-GCM.
struct EncapsulationSuite: Sendable {
    let keyIdentifier: UInt8
    let kem: UInt16
    let kdf: UInt16
    let aead: UInt16
    let ciphersuite: HPKE.Ciphersuite
    /// Length of `enc` in bytes (RFC 9180: Nenc).
    let encapsulatedKeyLength: Int
    /// Length of the AEAD's key in bytes (RFC 9180: Nk).
    let keyLength: Int

    /// Length of the AEAD's nonce and tag in bytes; the same for every AES-GCM.
    static let nonceLength = 12
    static let tagLength = 16
    static let headerLength = 7

    /// Key identifier, KEM, KDF and AEAD as they stand before `enc` (RFC 9458 section 4.1).
    var header: [UInt8] {
        var header = [keyIdentifier]
        header.appendBigEndian(kem)
        header.appendBigEndian(kdf)
        header.appendBigEndian(aead)
        return header
    }

    /// HPKE's `info` of a request (RFC 9458 section 4.3).
    var requestInfo: [UInt8] { Array("message/bhttp request".utf8) + [0] + header }

    /// HPKE's exporter context of a response (RFC 9458 section 4.4).
    static let responseLabel = Array("message/bhttp response".utf8)

    /// Length of the response nonce and of the exported secret: max(Nn, Nk).
    var responseNonceLength: Int { max(EncapsulationSuite.nonceLength, keyLength) }

    static let xwing = EncapsulationSuite(
        keyIdentifier: 1, kem: 0x647a, kdf: 0x0001, aead: 0x0002,
        ciphersuite: .XWingMLKEM768X25519_SHA256_AES_GCM_256, encapsulatedKeyLength: 1_120, keyLength: 32)

    static let p256 = EncapsulationSuite(
        keyIdentifier: 2, kem: 0x0010, kdf: 0x0001, aead: 0x0002,
        ciphersuite: HPKE.Ciphersuite(kem: .P256_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_256),
        encapsulatedKeyLength: 65, keyLength: 32)
}
