import Encoding

/// The hash chain of an audit log: each line names the hash of the line before it (formats section 9).
///
/// A value without I/O: it says what the next line is, and whether a line that was read is the next one.
struct AuditChain: Hashable, Sendable {
    /// `seq` of the newest line; 0 before the first.
    private(set) var sequence: Int64 = 0
    /// `hash` of the newest line; 32 zero bytes, 43 times `A`, before the first.
    private(set) var head = AuditPlace.start.hash

    /// Of the newest line.
    var place: AuditPlace { AuditPlace(sequence: sequence, hash: head) }

    /// The longest line that is written or read, in bytes.
    static let maximumLineBytes = 16_384

    /// Puts `members` into the next line, without its line feed.
    mutating func line(_ members: [String: JSON]) -> [UInt8] {
        var members = members
        members["seq"] = .integer(sequence + 1)
        members["prev"] = .string(Base64.encodeURL(head))
        let hash = Digest(of: JSON.object(members).canonical)
        members["hash"] = .string(hash.description)
        sequence += 1
        head = hash.bytes
        return JSON.object(members).canonical
    }

    /// Takes a line that was read back, without its line feed.
    ///
    /// - Returns: its members without its hash.
    /// - Throws: `state-rollback` when the line is not the one that the chain continues with.
    mutating func take(_ line: [UInt8]) throws(Refusal) -> [String: JSON] {
        let place = "audit line \(sequence + 1)"
        let json = try JSON.parseCanonical(line, place, refusing: .stateRollback)
        guard case .object(var members) = json, let hash = members.removeValue(forKey: "hash")?.string else {
            throw Refusal(.stateRollback, "\(place) has no hash")
        }
        guard members["seq"]?.integer == sequence + 1 else {
            throw Refusal(.stateRollback, "\(place) does not have the next number: lines are missing or forked")
        }
        guard members["prev"]?.string == Base64.encodeURL(head) else {
            throw Refusal(.stateRollback, "\(place) does not continue the line before it")
        }
        let expected = Digest(of: JSON.object(members).canonical)
        guard hash == expected.description else { throw Refusal(.stateRollback, "\(place) has a wrong hash") }
        sequence += 1
        head = expected.bytes
        return members
    }
}
