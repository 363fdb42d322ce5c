public import Encoding
import Evidence
import Synchronization

/// The revocation lists of attestation services as one relying party sees them: fetched on use, used for seconds, and
/// not at all when none can be had in time.
public final class RevocationCache: Sendable {
    /// GET of one URL, at most that many bytes.
    public typealias Fetch = @Sendable (_ url: String, _ maximumBytes: Int) async throws(Refusal) -> [UInt8]

    /// Seconds for which a list is used without asking again: how long a revoked token may still be accepted, where the
    /// service can be reached.
    public static let refreshSeconds: Int64 = 5

    private typealias Answer = Result<RevocationList, Refusal>

    private struct Entry {
        var list: RevocationList?
        var asked: Timestamp
        /// The request that is under way.
        var asking: Task<Answer, Never>?
    }

    private let fetch: Fetch
    private let entries = Mutex<[String: Entry]>([:])

    public init(fetch: @escaping Fetch) {
        self.fetch = fetch
    }

    /// The current list of an issuer that publishes one.
    ///
    /// - Throws: `revocations-unavailable` when there is no current one, or only an older one than was seen before;
    ///   `token-key-unknown` when its key is not in `keySet`, which may have to be fetched again.
    public func list(
        of issuer: PartyPolicy.Issuer, keySet: IssuerKeySet, at now: Timestamp
    ) async throws(Refusal) -> RevocationList {
        let (known, asking) = begin(issuer, keySet, at: now)
        guard let asking else {
            if let known { return known }
            throw Refusal(.revocationsUnavailable, "the issuer's list of revoked tokens is not at hand")
        }
        do throws(Refusal) {
            return try await asking.value.get()
        } catch {
            // What is known is good until it ends by itself, and no longer.
            if let known { return known }
            if error.code == .tokenKeyUnknown { throw error }
            throw Refusal(
                .revocationsUnavailable, "the issuer's list of revoked tokens cannot be had: \(error.name)")
        }
    }

    /// What is known and current, and the request to wait for. One caller asks; others go by what is known, or where that
    /// is nothing wait for the same answer: a list may be megabytes.
    private func begin(
        _ issuer: PartyPolicy.Issuer, _ keySet: IssuerKeySet, at now: Timestamp
    ) -> (RevocationList?, Task<Answer, Never>?) {
        entries.withLock { entries in
            var entry = entries[issuer.url] ?? Entry(list: nil, asked: now, asking: nil)
            let known = entry.list.flatMap { $0.isCurrent(at: now) ? $0 : nil }
            if let asking = entry.asking { return (known, known == nil ? asking : nil) }
            if known != nil, (0..<Self.refreshSeconds).contains(now - entry.asked) { return (known, nil) }
            let asking = Task { await self.ask(issuer, keySet, at: now) }
            entry.asked = now
            entry.asking = asking
            entries[issuer.url] = entry
            return (known, asking)
        }
    }

    private func ask(_ issuer: PartyPolicy.Issuer, _ keySet: IssuerKeySet, at now: Timestamp) async -> Answer {
        defer { entries.withLock { $0[issuer.url]?.asking = nil } }
        do throws(Refusal) {
            let bytes = try await fetch(issuer.url + RevocationList.path, RevocationList.maximumBytes)
            let list = try RevocationList(
                compact: String(decoding: bytes, as: UTF8.self), issuer: issuer, keySet: keySet, at: now)
            return .success(try keep(list))
        } catch { return .failure(error) }
    }

    /// A list never gives back what an earlier one took.
    private func keep(_ list: RevocationList) throws(Refusal) -> RevocationList {
        let isOlder = entries.withLock { entries in
            if let seen = entries[list.issuer]?.list, seen.sequence > list.sequence { return true }
            entries[list.issuer]?.list = list
            return false
        }
        guard !isOlder else {
            throw Refusal(.revocationsUnavailable, "the issuer's list of revoked tokens is older than one seen before")
        }
        return list
    }
}
