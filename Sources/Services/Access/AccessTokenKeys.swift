import AttestationToken
import Encoding
import HTTPTypes
package import ServiceKit
import Synchronization

/// The published keys of an access-token issuer, fetched when they are needed.
package final class AccessTokenKeys: Sendable {
    /// Seconds for which a fetched list is used.
    static let lifetime: Int64 = 600
    /// Seconds between two fetches that an unknown key may cause: strangers choose `kid`.
    static let pause: Int64 = 30
    package static let maximumBytes = 1_048_576

    private struct State {
        var keys: [String: VerificationKey] = [:]
        var fetched: Timestamp?
        var tried: Timestamp?
        /// What all wait for who need a key that is not there.
        var fetching: Task<Result<Void, Refusal>, Never>?
    }

    private let fetch: @Sendable () async throws -> [UInt8]
    private let state = Mutex(State())

    /// - Parameter fetch: gets the JWK set, from a file or the issuer's `jwks_uri`.
    package init(_ fetch: @escaping @Sendable () async throws -> [UInt8]) {
        self.fetch = fetch
    }

    /// Keys in a file, or at a URL.
    ///
    /// - Parameters:
    ///   - source: path of a file with the JWK set, or the https URL of one.
    ///   - client: that fetches a URL; nil for a file.
    package convenience init(source: String, client: Client?) {
        self.init {
            guard let client else {
                do throws(AtomicFile.Failure) {
                    return try AtomicFile.read(source, maximumBytes: AccessTokenKeys.maximumBytes)
                } catch { throw Refusal(.issuerKeysUnavailable, "the file cannot be read") }
            }
            let answer = try await client.send(.get, source, maximumBytes: AccessTokenKeys.maximumBytes)
            guard answer.status == 200 else {
                throw Refusal(.issuerKeysUnavailable, "the issuer answered \(answer.status)")
            }
            return answer.body
        }
    }

    /// The key with this `kid`; nil when the issuer does not publish it.
    ///
    /// - Throws: `issuer-keys-unavailable` when there is no list that is recent enough.
    func key(_ keyID: String, at time: Timestamp) async throws(Refusal) -> VerificationKey? {
        if let key = current(keyID, at: time) { return key }
        let fetching = state.withLock { state -> Task<Result<Void, Refusal>, Never>? in
            if let fetching = state.fetching { return fetching }
            if let tried = state.tried, abs(time - tried) < Self.pause { return nil }
            state.tried = time
            let fetching = Task { await self.refresh(at: time) }
            state.fetching = fetching
            return fetching
        }
        if let fetching { try await fetching.value.get() }
        let isKnown = state.withLock { $0.fetched.map { abs(time - $0) <= Self.lifetime } ?? false }
        guard isKnown else {
            throw Refusal(.issuerKeysUnavailable, "the keys of the access-token issuer cannot be had; try again")
        }
        return current(keyID, at: time)
    }

    private func refresh(at time: Timestamp) async -> Result<Void, Refusal> {
        do throws(Refusal) {
            let keys = try Self.parse(await fetched())
            state.withLock { state in
                state.keys = keys
                state.fetched = time
                state.fetching = nil
            }
            return .success(())
        } catch {
            state.withLock { $0.fetching = nil }
            return .failure(error)
        }
    }

    private func current(_ keyID: String, at time: Timestamp) -> VerificationKey? {
        state.withLock { state in
            guard let fetched = state.fetched, abs(time - fetched) <= Self.lifetime else { return nil }
            return state.keys[keyID]
        }
    }

    private func fetched() async throws(Refusal) -> [UInt8] {
        do { return try await fetch() } catch {
            let reason = (error as? Refusal)?.detail ?? "\(type(of: error))"
            throw Refusal(.issuerKeysUnavailable, "the keys of the access-token issuer: \(reason)")
        }
    }

    /// Keys of kinds that are not taken here are passed over.
    private static func parse(_ bytes: [UInt8]) throws(Refusal) -> [String: VerificationKey] {
        guard let list = (try? JSON.parse(bytes))?["keys"]?.array else {
            throw Refusal(.issuerKeysUnavailable, "the access-token issuer publishes no JWK set")
        }
        var keys: [String: VerificationKey] = [:]
        for entry in list {
            guard let jwk = try? JWK(json: entry, .lenient), let keyID = jwk.keyID, jwk.use ?? "sig" == "sig",
                let key = try? VerificationKey(jwk)
            else { continue }
            keys[keyID] = key
        }
        return keys
    }
}
