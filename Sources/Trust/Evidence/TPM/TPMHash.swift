import Crypto

/// A hash algorithm that banks of platform configuration registers, signatures and event logs use.
///
/// - Source: TCG Algorithm Registry, TPM_ALG_ID.
public enum TPMHash: UInt16, Hashable, Sendable, CaseIterable {
    case sha1 = 0x0004
    case sha256 = 0x000b
    case sha384 = 0x000c
    case sha512 = 0x000d

    /// Bytes of a digest, and of a register of this bank.
    public var byteCount: Int {
        switch self {
        case .sha1: 20
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// For claims and details, for example `sha256`.
    public var name: String {
        switch self {
        case .sha1: "sha1"
        case .sha256: "sha256"
        case .sha384: "sha384"
        case .sha512: "sha512"
        }
    }

    /// The same algorithm where signatures use it; nil for SHA-1, with which nothing may be signed.
    var forSignatures: SignatureAlgorithm.Hash? {
        switch self {
        case .sha1: nil
        case .sha256: .sha256
        case .sha384: .sha384
        case .sha512: .sha512
        }
    }

    func digest(_ content: [UInt8]) -> [UInt8] {
        switch self {
        case .sha1: Array(Insecure.SHA1.hash(data: content))
        case .sha256: Array(SHA256.hash(data: content))
        case .sha384: Array(SHA384.hash(data: content))
        case .sha512: Array(SHA512.hash(data: content))
        }
    }
}
