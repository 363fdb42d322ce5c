import AttestationToken
import Encoding
import Storage

/// Revoked tokens by the mark for which they were, as the store has them.
struct RevokedTokens: Sendable {
    /// Of the last change that was taken in; the sequence of the published list.
    private(set) var revision: Int64 = 0
    /// Tokens with their ends, by the name of the record.
    private var tokens: [String: [String: Timestamp]] = [:]

    /// Takes in a changed record.
    mutating func take(_ record: StateRecord) {
        tokens[record.key.name] = RevokedTokens.read(record.value ?? [])
        revision = max(revision, record.revision)
    }

    /// Those that have not expired. When they are too many to list, everything issued until the last of them is revoked.
    func list(issuer: String, at time: Timestamp) -> RevocationList {
        var current: [String: Timestamp] = [:]
        for some in tokens.values {
            current.merge(some.filter { time <= $0.value + IssuedToken.leeway }) { $1 }
        }
        guard current.count > RevocationList.maximumTokens, let last = current.values.max() else {
            return RevocationList(
                issuer: issuer, issuedAt: time, sequence: revision, tokens: Set(current.keys))
        }
        return RevocationList(
            issuer: issuer, issuedAt: time, sequence: revision, tokens: [],
            before: last - AttestationAuthority.tokenLifetime)
    }

    // MARK: A record

    /// `id end` in each line.
    static func bytes(_ tokens: [String: Timestamp]) -> [UInt8] {
        tokens.sorted { $0.key < $1.key }.flatMap { Array("\($0.key) \($0.value.seconds)\n".utf8) }
    }

    static func read(_ bytes: [UInt8]) -> [String: Timestamp] {
        var tokens: [String: Timestamp] = [:]
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "))
            guard fields.count == 2, let seconds = Int64(String(decoding: fields[1], as: UTF8.self)) else { continue }
            tokens[String(decoding: fields[0], as: UTF8.self)] = Timestamp(seconds: seconds)
        }
        return tokens
    }
}
