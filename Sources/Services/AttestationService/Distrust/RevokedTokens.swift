import AttestationToken
import Encoding
import Storage

/// Revoked tokens by the mark for which they were, as the store has them.
struct RevokedTokens: Sendable {
    /// When one token was issued, and until when.
    struct Token: Hashable, Sendable {
        let issued: Timestamp
        let expires: Timestamp

        /// Whether a relying party could still accept it.
        func matters(at time: Timestamp) -> Bool { time <= expires + IssuedToken.leeway }
    }

    /// Of the last change that was taken in; the sequence of the published list.
    private(set) var revision: Int64 = 0
    /// By the name of the record, with the revision of each.
    private var records: [String: (revision: Int64, tokens: [String: Token])] = [:]

    /// Takes in a changed record, unless a later one is known.
    mutating func take(_ record: StateRecord) {
        guard record.revision > records[record.key.name]?.revision ?? 0 else { return }
        records[record.key.name] = (record.revision, RevokedTokens.read(record.value ?? []))
        revision = max(revision, record.revision)
    }

    /// Those that matter; the others are forgotten. When they are too many to list, everything issued until the last of
    /// them is revoked.
    mutating func list(issuer: String, at time: Timestamp) -> RevocationList {
        var current: [String: Token] = [:]
        for (name, record) in records {
            let tokens = record.tokens.filter { $0.value.matters(at: time) }
            if tokens.count < record.tokens.count { records[name] = (record.revision, tokens) }
            current.merge(tokens) { $1 }
        }
        guard current.count > RevocationList.maximumTokens, let last = current.values.map(\.issued).max() else {
            return RevocationList(issuer: issuer, issuedAt: time, sequence: revision, tokens: Set(current.keys))
        }
        return RevocationList(issuer: issuer, issuedAt: time, sequence: revision, tokens: [], before: last)
    }

    // MARK: A record

    /// `id end issued` in each line.
    static func bytes(_ tokens: [String: Token]) -> [UInt8] {
        tokens.sorted { $0.key < $1.key }.flatMap {
            Array("\($0.key) \($0.value.expires.seconds) \($0.value.issued.seconds)\n".utf8)
        }
    }

    static func read(_ bytes: [UInt8]) -> [String: Token] {
        var tokens: [String: Token] = [:]
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            guard fields.count == 3, let end = Int64(fields[1]), let issued = Int64(fields[2]) else { continue }
            tokens[fields[0]] = Token(issued: Timestamp(seconds: issued), expires: Timestamp(seconds: end))
        }
        return tokens
    }
}
