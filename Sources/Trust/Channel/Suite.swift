/// One of the two ways in which Cloister encapsulates a message (HPKE base mode, RFC 9180).
///
/// - Source: formats, section 4.
public enum Suite: String, Hashable, Sendable, CaseIterable {
    /// X-Wing (ML-KEM-768 with X25519), HKDF-SHA256, AES-256-GCM: the only suite between units.
    case xwing
    /// P-256, HKDF-SHA256, AES-256-GCM: for browsers that lack X-Wing.
    case p256

    /// The one-byte key identifier of Oblivious HTTP (RFC 9458 section 3.1).
    public var keyIdentifier: UInt8 { encapsulation.keyIdentifier }

    /// Length of the encapsulated key `enc`, in bytes.
    public var encapsulatedKeyLength: Int { encapsulation.encapsulatedKeyLength }

    /// Length of a public key, in bytes.
    public var publicKeyLength: Int {
        switch self {
        case .xwing: 1_216
        case .p256: 65
        }
    }

    var encapsulation: EncapsulationSuite {
        switch self {
        case .xwing: .xwing
        case .p256: .p256
        }
    }
}
