/// One line's place in an audit log. Whoever keeps state beside the log keeps the place of the newest change in the
/// same transaction, so that an older copy of either is found out.
package struct AuditPlace: Hashable, Sendable {
    /// `seq` of the line; 0 before the first.
    package var sequence: Int64
    /// `hash` of the line, 32 bytes.
    package var hash: [UInt8]

    package init(sequence: Int64, hash: [UInt8]) {
        self.sequence = sequence
        self.hash = hash
    }

    /// Before the first line.
    package static let start = AuditPlace(sequence: 0, hash: [UInt8](repeating: 0, count: 32))
}
