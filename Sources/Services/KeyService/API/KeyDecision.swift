import Audit
import Encoding

/// What is known so far about the request that is being decided; becomes its audit record.
struct KeyDecision: Sendable {
    /// The request id.
    let id: String
    var event = "key.request"
    /// Name of the key, and its version once that is known.
    var key: String?
    var caller: String?
    var policy: Digest?
    var token: Digest?
    var party: Digest?
    /// Whether it is about a caller whom nobody knows: then its refusal may be counted instead of written (AC-161).
    var isOfStranger = false
    /// Set once the record is on the disk.
    var isRecorded = false

    init(id: String) { self.id = id }

    var allowed: AuditEntry {
        AuditEntry(
            event: event, outcome: .allowed, id: id, key: key, party: party, caller: caller, policy: policy,
            token: token)
    }

    func refused(_ error: APIError) -> AuditEntry {
        AuditEntry(
            event: event, outcome: .refused, id: id, code: error.refusal.name, key: key, party: party, caller: caller,
            policy: policy, token: token, expected: error.expected, seen: error.seen)
    }
}
