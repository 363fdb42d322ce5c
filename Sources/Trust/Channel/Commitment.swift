public import Encoding

/// A salted commitment to one inner message: SHA-256(salt ‖ M).
///
/// M is the message without padding and without the three fields that carry the sender's statement. The salt travels
/// inside the sealed message and stays with the record; a passport holds only the commitment, so nobody can guess the
/// message from it.
///
/// - Source: formats, section 4; architecture, section 11, rule 30.
public enum Commitment {
    /// Length of a salt, in bytes.
    public static let saltLength = 32

    /// SHA-256(salt ‖ message).
    public static func digest(salt: [UInt8], message: [UInt8]) -> Digest {
        Digest(joining: salt, message)
    }
}
