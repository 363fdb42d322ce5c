import Encoding
import Foundation
import HTTPTypes
import TestSupport
import Testing

@testable import KeyService

@Suite(.serialized, .enabled(if: SoftHSM.isInstalled, "Debian's package softhsm2 is not installed"))
struct MasterKeyTokenTests {
    @Test func `keys of a service are sealed in a PKCS 11 token, and open nowhere else`() async throws {
        let folder = try TemporaryFolder()
        let key = try MasterKey(in: SoftHSM.masterKey("service"), mayCreate: true)
        let fixture = try Fixture(folder: folder, masterKey: key)
        try await fixture.importKey()
        #expect(try await fixture.release().material() == Fixture.k)
        try Shared.put(in: folder.url.path)
        let former = folder.url.appending(path: "release-signing.json").path
        _ = try ReleaseSigner(store: fixture.vault.store, former: former, host: Shared.host, at: Shared.now)
        try fixture.vault.store.close()
        // Another process would find the same key in the token.
        let again = try MasterKey(in: SoftHSM.masterKey("service"), mayCreate: false)
        let reopened = try Fixture(authority: fixture.authority, folder: folder, masterKey: again)
        #expect(try await reopened.release().material() == Fixture.k)
        let signer = try ReleaseSigner(
            store: reopened.vault.store, former: former, host: Shared.host, at: Shared.now)
        #expect(signer.pin == Shared.signer.pin)
        try reopened.vault.store.close()
        let other = try MasterKey(in: SoftHSM.masterKey("other"), mayCreate: true)
        let refusal = #expect(throws: Refusal.self) {
            try KeyStore(path: folder.url.appending(path: "keys.sqlite").path, masterKey: other)
        }
        #expect(refusal?.code == .stateRollback)
        let missing = #expect(throws: Refusal.self) {
            try MasterKey(in: SoftHSM.masterKey("nobody"), mayCreate: false)
        }
        #expect(missing?.code == .stateRollback)
    }

    @Test func `a value that was changed or moved does not open`() throws {
        let key = try MasterKey(in: SoftHSM.masterKey("values"), mayCreate: true)
        let sealed = try key.seal([1, 2, 3], place: ["a": 1])
        #expect(try key.open(sealed, place: ["a": 1]) == [1, 2, 3])
        #expect(try key.open(key.seal([], place: "empty"), place: "empty") == [])
        var wrong: [(bytes: [UInt8], place: JSON)] = [
            (Array(sealed.dropLast()), ["a": 1]), (sealed, ["a": 2]), (Array(sealed.prefix(10)), ["a": 1]),
        ]
        for position in [4, 16, 18, sealed.count - 1] {
            var changed = sealed
            changed[position] ^= 1
            wrong.append((changed, ["a": 1]))
        }
        for (bytes, place) in wrong {
            let refusal = #expect(throws: Refusal.self) { try key.open(bytes, place: place) }
            #expect(refusal?.code == .blockAuthentication)
        }
        // A refusal leaves no session in a state in which the next call fails.
        #expect(try key.open(sealed, place: ["a": 1]) == [1, 2, 3])
    }

    @Test func `more callers than sessions wait for each other`() async throws {
        let key = try MasterKey(in: SoftHSM.masterKey("callers"), mayCreate: true)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<64 as Range<UInt8> {
                group.addTask { () throws -> Void in
                    let content = [UInt8](repeating: number, count: 1_000)
                    for _ in 0..<10 {
                        let opened = try key.open(key.seal(content, place: "p"), place: "p")
                        #expect(opened == content)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `it is rotated in the token, and the former generation is destroyed there`() async throws {
        let key = try MasterKey(in: SoftHSM.masterKey("rotated"), mayCreate: true)
        let fixture = try Fixture(masterKey: key)
        try await fixture.importKey()
        let old = try key.seal([1], place: "p")
        #expect(await fixture.send(.post, "/masterkey/rotate").status == 200)
        await fixture.vault.reseal()
        #expect(key.generations == [2])
        #expect(try SoftHSM.masterKey("rotated").generations() == [2])
        #expect(try await fixture.release().material() == Fixture.k)
        #expect(throws: Refusal.self) { try key.open(old, place: "p") }
    }

    @Test func `what is wrong with the token is said before the service starts`() throws {
        for (module, label, pin, text) in [
            ("/usr/lib/no-module.so", SoftHSM.label, SoftHSM.pin, "cannot be loaded"),
            (SoftHSM.module, "another", SoftHSM.pin, "no slot holds a token of that label"),
            (SoftHSM.module, SoftHSM.label, "wrong pin", "the PIN is wrong"),
        ] {
            let refusal = #expect(throws: Refusal.self) {
                try SoftHSM.masterKey("any", module: module, label: label, pin: pin)
            }
            #expect(refusal?.code == .insecureConfiguration)
            #expect(refusal?.detail.contains(text) == true)
            #expect(refusal?.detail.contains(pin) == false)
        }
    }
}
