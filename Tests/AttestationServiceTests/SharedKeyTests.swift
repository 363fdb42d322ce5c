import AttestationToken
import Encoding
import Evidence
import Foundation
import Storage
import Synchronization
import TestSupport
import Testing

@testable import AttestationService

/// Nodes that share one key ring.
@Suite struct SharedKeyTests {
    private let folder: TemporaryFolder
    private let store: SQLiteStateStore

    init() throws {
        folder = try TemporaryFolder()
        store = try SQLiteStateStore(path: folder.url.appending(path: "shared.sqlite").path)
    }

    private func node(at time: Timestamp) async throws -> SigningKeyStore {
        let ring = try SharedKeyRing(
            store: store, instance: "test", issuer: Service.url, wrapping: [UInt8](repeating: 7, count: 32))
        return try await SigningKeyStore(shared: ring, folder: folder.url.path, at: time)
    }

    private func published(_ node: SigningKeyStore) -> [String] {
        node.keySet["keys"]?.array?.compactMap { $0["kid"]?.string } ?? []
    }

    @Test("AC-153 a key that one node retired signs on no other node for longer than a minute")
    func rotation() async throws {
        let day: Int64 = 86_400
        let first = try await node(at: Service.now)
        let second = try await node(at: Service.now)
        let old = try second.signer("ES256").keyID
        #expect(try await first.renew(at: Service.now + 29 * day))
        let change = Service.now + 30 * day
        try await second.requireCurrent(at: change - 1)
        #expect(try second.signer("ES256").keyID == old)
        #expect(try await first.renew(at: change))
        #expect(try first.signer("ES256").keyID != old)
        // Within the minute the second node may not know.
        let latest = change - 1 + SigningKeyStore.currency
        try await second.requireCurrent(at: latest - 1)
        #expect(try second.signer("ES256").keyID == old)
        try await second.requireCurrent(at: latest)
        #expect(try second.signer("ES256").keyID == first.signer("ES256").keyID)
        // What it signed last, with a clock as far behind as any, is published for as long as it can live.
        let end = latest - 1 + IssuedToken.leeway + SigningKeyRing.longestToken
        _ = try await first.renew(at: end)
        #expect(published(first).contains(old))
        #expect(try await published(node(at: end)).contains(old))
    }

    @Test("AC-153 while the shared state does not answer, nothing is signed")
    func outage() async throws {
        let node = try await node(at: Service.now)
        try await node.requireCurrent(at: Service.now)
        try store.close()
        try await node.requireCurrent(at: Service.now + 59)
        await #expect(throws: Refusal.self) { try await node.requireCurrent(at: Service.now + 60) }
        // A clock that was set back gives no more time.
        await #expect(throws: Refusal.self) { try await node.requireCurrent(at: Service.now - 1) }
    }
}
