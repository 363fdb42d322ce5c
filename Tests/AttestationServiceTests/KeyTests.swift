import AttestationService
import AttestationToken
import Encoding
import Evidence
import Foundation
import ServiceKit
import TestSupport
import Testing

struct KeyTests {
    func store(_ folder: TemporaryFolder, at time: Timestamp = Service.now, issuer: String = Service.url) throws
        -> SigningKeyStore
    {
        try SigningKeyStore(folder: folder.url.path, issuer: issuer, at: time)
    }

    func keyIDs(_ store: SigningKeyStore) -> [String] {
        store.keySet["keys"]?.array?.compactMap { $0["kid"]?.string } ?? []
    }

    @Test func `keys and pin survive a restart, and the file is its owner's alone`() throws {
        let folder = try TemporaryFolder()
        let first = try store(folder)
        let second = try store(folder)
        #expect(first.pin == second.pin)
        #expect(first.keySet == second.keySet)
        let file = folder.url.appending(path: "signing-keys.json").path
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let card = try JSON.parse([UInt8](Data(contentsOf: folder.url.appending(path: "issuer.json"))))
        #expect(card == ["url": "https://localhost:8443", "pins": [.string(first.pin.description)]])
    }

    @Test("AC-148 a key file that others can read is refused")
    func mode() throws {
        let folder = try TemporaryFolder()
        _ = try store(folder)
        let file = folder.url.appending(path: "signing-keys.json").path
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
        #expect { try store(folder) } throws: { ($0 as? Refusal)?.code == .insecureConfiguration }
    }

    @Test func `a broken key file is never replaced silently`() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "signing-keys.json")
        try Data("{}".utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        #expect { try store(folder) } throws: { ($0 as? Refusal)?.code == .insecureConfiguration }
        #expect(try Data(contentsOf: file) == Data("{}".utf8))
    }

    @Test func `a key is published a day before it signs, and stays until its last token has ended`() async throws {
        let folder = try TemporaryFolder()
        let service = try Service(folder: folder)
        let day: Int64 = 86_400
        let before = keyIDs(service.keys)
        let old = await service.post(try Sample.snp(["tokenAlgorithm": "ES256"]))
        let nearlyDue = Service.now + 29 * day
        #expect(try !service.keys.rotate(at: nearlyDue - 1))
        #expect(try service.keys.rotate(at: nearlyDue))
        // The successors are published and do not sign.
        let announced = keyIDs(service.keys)
        #expect(announced.count == 6)
        #expect(Array(announced.prefix(3)) == before)
        #expect(Set(announced).count == 6)
        #expect(try service.keys.signer("ES256").keyID == before[1])
        #expect(try !service.keys.rotate(at: nearlyDue + day - 1))
        let change = nearlyDue + day
        #expect(try service.keys.rotate(at: change))
        let after = keyIDs(service.keys)
        #expect(after == Array(announced.suffix(3)) + before)
        #expect(try service.keys.signer("ES256").keyID == announced[4])
        // The old token still verifies against the new list.
        _ = try service.verify(try #require(old.token))
        // A restart keeps the retired ones too, until nobody can hold a token of theirs.
        let last = change + day + 120
        let restarted = try store(folder, at: last)
        #expect(keyIDs(restarted) == after)
        #expect(restarted.pin == service.keys.pin)
        let later = try store(folder, at: last + 1)
        #expect(keyIDs(later) == Array(after.prefix(3)))
    }

    @Test func `after a long stop the former keys sign for another day`() throws {
        let folder = try TemporaryFolder()
        let before = keyIDs(try store(folder))
        let woken = try store(folder, at: Service.now + 90 * 86_400)
        #expect(Array(keyIDs(woken).prefix(3)) == before)
        #expect(keyIDs(woken).count == 6)
        #expect(try woken.signer("RS256").keyID == before[0])
    }

    @Test func `after a stop longer than certificates live, new keys sign at once`() throws {
        let folder = try TemporaryFolder()
        let before = keyIDs(try store(folder))
        let woken = try store(folder, at: Service.now + 119 * 86_400)
        #expect(Array(keyIDs(woken).suffix(3)) == before)
        #expect(try !before.contains(woken.signer("RS256").keyID))
    }

    @Test func `SDKs find a chain under the pinned key in x5c, whose leaf is the key of that kid`() throws {
        let store = try store(try TemporaryFolder())
        for key in store.keySet["keys"]?.array ?? [] {
            #expect(Set((key.object ?? [:]).keys).isSuperset(of: ["alg", "kid", "kty", "use", "x5c"]))
            let chain = try (key["x5c"]?.strings ?? []).map {
                try Certificate(der: try #require(Base64.decode($0, .padded)))
            }
            #expect(chain.count == 2)
            #expect(chain[1].pin == store.pin)
            #expect(chain[0].isSigned(by: chain[1]))
            #expect(chain[0].subjectCommonName == Service.url)
            #expect(key["kid"] == .string(chain[0].publicKey.attestationKeyID))
            #expect(try JWK(json: key, .lenient).pin() == chain[0].pin)
        }
    }

    @Test func `a new issuer URL gets certificates of its name under the same issuer key`() throws {
        let folder = try TemporaryFolder()
        let first = try store(folder)
        let moved = try store(folder, issuer: "https://elsewhere.example")
        #expect(moved.pin == first.pin)
        #expect(keyIDs(moved).count == 6)
        #expect(keyIDs(moved).prefix(3).allSatisfy { !keyIDs(first).contains($0) })
    }

    @Test func `an algorithm that is not offered has no key`() throws {
        let store = try store(try TemporaryFolder())
        #expect { try store.signer("HS256") } throws: { ($0 as? Refusal)?.code == .tokenAlgorithm }
    }
}
