import AttestationToken
import Encoding
import ServiceKit
import Synchronization
import Testing

@testable import KeyService

/// An attestation service's two documents, and what was asked of it.
final class FakeAuthorityServer: Sendable {
    struct State {
        var documents: [String: JSON]
        var asked: [String] = []
        var isDown = false
    }
    let state: Mutex<State>

    init(_ documents: [String: JSON]) { state = Mutex(State(documents: documents)) }

    func get(_ url: String) throws(Refusal) -> [UInt8] {
        let document: JSON? = state.withLock { state in
            state.asked.append(url)
            return state.isDown ? nil : state.documents[url]
        }
        guard let document else { throw Refusal(.unavailable, "no answer") }
        return document.canonical
    }
}

@Suite struct AuthorityKeyCacheTests {
    let authority = Authority()
    var metadataURL: String { authority.url + "/.well-known/openid-configuration" }
    var certificatesURL: String { authority.url + "/certs" }

    func make(
        issuer: String? = nil, location: String? = nil, _ clock: TestClock = TestClock()
    ) -> (AuthorityKeyCache, FakeAuthorityServer) {
        let server = FakeAuthorityServer([
            metadataURL: [
                "issuer": .string(issuer ?? authority.url), "jwks_uri": .string(location ?? certificatesURL),
            ],
            certificatesURL: authority.keySet, "https://thief.example/certs": authority.keySet,
        ])
        let cache = AuthorityKeyCache(clock: clock.clock) { url, _ throws(Refusal) in try server.get(url) }
        return (cache, server)
    }

    @Test func `keys are fetched through the metadata, and kept for a short time`() async throws {
        let clock = TestClock()
        let (cache, server) = make(clock)
        for _ in 0..<3 {
            #expect(try await cache.keySet(of: authority.policyEntry(), fresh: false).contains(kid: authority.keyID))
        }
        #expect(server.state.withLock { $0.asked } == [metadataURL, certificatesURL])
        clock.advance(AuthorityKeyCache.lifetime)
        _ = try await cache.keySet(of: authority.policyEntry(), fresh: false)
        #expect(server.state.withLock { $0.asked }.count == 4)
    }

    @Test("AC-036 when the cached keys are too old and the authority is down, there are none")
    func unavailable() async throws {
        let clock = TestClock()
        let (cache, server) = make(clock)
        _ = try await cache.keySet(of: authority.policyEntry(), fresh: false)
        server.state.withLock { $0.isDown = true }
        clock.advance(AuthorityKeyCache.lifetime - 1)
        _ = try await cache.keySet(of: authority.policyEntry(), fresh: false)
        clock.advance(1)
        let refusal = await #expect(throws: Refusal.self) {
            try await cache.keySet(of: authority.policyEntry(), fresh: false)
        }
        #expect(refusal?.code == .issuerKeysUnavailable)
    }

    @Test func `unknown keys cause one more fetch, and not one for each request`() async throws {
        let clock = TestClock()
        let (cache, server) = make(clock)
        _ = try await cache.keySet(of: authority.policyEntry(), fresh: false)
        for _ in 0..<5 { _ = try await cache.keySet(of: authority.policyEntry(), fresh: true) }
        #expect(server.state.withLock { $0.asked }.count == 4)
        clock.advance(AuthorityKeyCache.forcedInterval)
        _ = try await cache.keySet(of: authority.policyEntry(), fresh: true)
        #expect(server.state.withLock { $0.asked }.count == 6)
    }

    @Test("AC-035 metadata of another issuer, or that points elsewhere, is not followed")
    func foreignMetadata() async throws {
        for (issuer, location) in [
            ("https://thief.example", nil), (nil, "https://thief.example/certs"),
            (nil, "http://attestation.cloister.example:8443/certs"), (nil, "/certs"),
            (nil, "https://attestation.cloister.example/certs"),
        ] as [(String?, String?)] {
            let (cache, server) = make(issuer: issuer, location: location)
            let refusal = await #expect(throws: Refusal.self) {
                try await cache.keySet(of: authority.policyEntry(), fresh: false)
            }
            #expect(refusal?.code == .issuerKeysUntrusted)
            #expect(server.state.withLock { $0.asked } == [metadataURL])
        }
    }
}
