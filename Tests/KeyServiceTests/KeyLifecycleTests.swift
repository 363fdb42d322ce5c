// swift-format-ignore-file: NeverUseForceTry, NeverForceUnwrap

import AttestationToken
import Encoding
import Foundation
import HTTPTypes
import TestSupport
import Testing

@testable import KeyService

/// Deletion in two steps, rotation, backup, and the flavours: key API reference, sections 5, 7, 9, 10 and 11.
@Suite struct KeyLifecycleTests {
    static let settings = VaultSettings(retentionDays: 7, purgeProtection: .only(["kept"]))

    // MARK: Deletion

    @Test func `a deleted key is gone until it is recovered, with everything that belongs to it`() async throws {
        let fixture = try Fixture(settings: Self.settings)
        let first = try await fixture.importKey()
        let second = try await fixture.importKey(k: [UInt8](repeating: 8, count: 32))
        let deleted = await fixture.send(.delete, "/keys/records")
        try #require(deleted.status == 200, "\(deleted.json)")
        #expect(deleted.json["recoveryId"]?.string == "\(Fixture.base)/deletedkeys/records")
        #expect(deleted.json["deletedDate"] == .integer(Shared.now.seconds))
        #expect(deleted.json["scheduledPurgeDate"] == .integer(Shared.now.seconds + 7 * 86_400))
        #expect(deleted.json["attributes"]?["recoveryLevel"] == "CustomizedRecoverable+Purgeable")
        #expect(deleted.kid == second.kid)
        for path in ["/keys/records", "/keys/records/\(first.version)", "/keys/records/versions"] {
            let answer = await fixture.send(.get, path)
            #expect(answer.status == 404 && answer.code == "KeyNotFound", "\(path)")
        }
        #expect(await fixture.send(.get, "/keys").json["value"] == [])
        #expect(await fixture.send(.get, "/deletedkeys").json["value"]?.array?.count == 1)
        #expect(await fixture.send(.get, "/deletedkeys/records").json == deleted.json)
        let recovered = await fixture.send(.post, "/deletedkeys/records/recover")
        #expect(recovered.status == 200 && recovered.json["recoveryId"] == nil)
        #expect(await fixture.send(.get, "/deletedkeys/records").status == 404)
        #expect(await fixture.send(.get, "/keys/records/versions").json["value"]?.array?.count == 2)
        #expect(try await fixture.release().material() == [UInt8](repeating: 8, count: 32))
        let events = fixture.auditFile.entries.map { $0["event"] }
        #expect(events.contains("key.recover"))
    }

    @Test("AC-071 a deleted key is not released, and its name is not free")
    func deletedName() async throws {
        let fixture = try Fixture(settings: Self.settings)
        try await fixture.importKey()
        let blob = try #require(await fixture.send(.post, "/keys/records/backup").json["value"])
        _ = await fixture.send(.delete, "/keys/records")
        #expect(await fixture.release().status == 404)
        for answer in [
            await fixture.send(.post, "/keys/records/create", ["kty": "EC"]),
            await fixture.send(.put, "/keys/records", ["key": ["kty": "oct-HSM", "k": "AAECAwQFBgcICQoLDA0ODw"]]),
            await fixture.send(.post, "/keys/restore", ["value": blob]),
        ] {
            #expect(answer.status == 409 && answer.code == "Conflict")
            #expect(answer.json["error"]?["innererror"]?["code"] == "ObjectIsDeletedButRecoverable")
            #expect(
                answer.message
                    == "Key records is currently in a deleted but recoverable state, and its name cannot be reused; in "
                    + "this state, the key can only be recovered or purged.")
        }
        #expect(await fixture.send(.delete, "/keys/records").status == 404)
    }

    @Test func `purging is final, refused for protected keys, and done by itself when the retention ends`() async throws
    {
        let fixture = try Fixture(settings: Self.settings)
        for name in ["gone", "kept", "late"] {
            try await fixture.create(name, ["kty": "EC"])
            #expect(await fixture.send(.delete, "/deletedkeys/\(name)").status == 404)
            _ = await fixture.send(.delete, "/keys/\(name)")
        }
        #expect(await fixture.send(.delete, "/deletedkeys/gone").status == 204)
        #expect(await fixture.send(.get, "/deletedkeys/gone").status == 404)
        #expect(await fixture.send(.post, "/deletedkeys/gone/recover").status == 404)
        let kept = await fixture.send(.delete, "/deletedkeys/kept")
        #expect(kept.status == 403 && kept.refusal == "operation-not-allowed")
        #expect(
            await fixture.send(.get, "/deletedkeys/kept").json["attributes"]?["recoveryLevel"]
                == "CustomizedRecoverable")
        fixture.clock.advance(7 * 86_400 - 1)
        await fixture.vault.keepUp()
        #expect(await fixture.send(.get, "/deletedkeys/late").status == 200)
        fixture.clock.advance(1)
        await fixture.vault.keepUp()
        #expect(await fixture.send(.get, "/deletedkeys").json["value"] == [])
        let last = fixture.auditFile.entries.last { $0["event"] == "key.purge" }
        #expect(last?["caller"] == "schedule")
        try await fixture.create("gone", ["kty": "EC"])
    }

    @Test func `deleted keys are listed a page at a time`() async throws {
        let fixture = try Fixture(settings: Self.settings)
        for index in 0..<5 {
            try await fixture.create("k\(index)", ["kty": "EC"])
            if index != 2 { _ = await fixture.send(.delete, "/keys/k\(index)") }
        }
        var path: String? = "/deletedkeys?maxresults=3"
        var names: [String] = []
        while let next = path {
            let page = await fixture.send(.get, next, version: next.contains("api-version") ? nil : "7.4").json
            for item in page["value"]?.array ?? [] {
                names.append(String(item["kid"]!.string!.split(separator: "/").last!))
                #expect(item["recoveryId"] != nil)
            }
            path = page["nextLink"]?.string.map { String($0.dropFirst(Fixture.base.count)) }
        }
        #expect(names == ["k0", "k1", "k3", "k4"])
    }

    // MARK: Rotation

    @Test func `rotation makes a version like the last, and leaves the former usable`() async throws {
        let fixture = try Fixture()
        let made = await fixture.send(
            .post, "/keys/records/create",
            fixture.exportable(["kty": "RSA-HSM", "key_size": 3_072, "tags": ["a": "b"]]))
        let rotated = await fixture.send(.post, "/keys/records/rotate")
        try #require(rotated.status == 200, "\(rotated.json)")
        #expect(rotated.version != made.version && rotated.json["key"]?["n"] != made.json["key"]?["n"])
        #expect(rotated.json["tags"] == ["a": "b"] && rotated.json["release_policy"] == made.json["release_policy"])
        #expect(rotated.json["key"]?["key_ops"] == made.json["key"]?["key_ops"])
        #expect(await fixture.send(.get, "/keys/records").kid == rotated.kid)
        let old = await fixture.release(path: "/keys/records/\(made.version)/release")
        #expect(old.status == 200, "\(old.json)")
    }

    @Test func `a rotation policy is kept, gives versions their end, and is carried out`() async throws {
        let fixture = try Fixture()
        let made = try await fixture.create(["kty": "EC"])
        let standard = await fixture.send(.get, "/keys/k/rotationpolicy")
        #expect(standard.json["id"]?.string == "\(Fixture.base)/keys/k/rotationpolicy")
        #expect(
            standard.json["lifetimeActions"] == [
                ["action": ["type": "Notify"], "trigger": ["timeBeforeExpiry": "P30D"]]
            ])
        let wanted: JSON = [
            "attributes": ["expiryTime": "P90D"],
            "lifetimeActions": [
                ["action": ["type": "Rotate"], "trigger": ["timeAfterCreate": "P1M"]],
                ["action": ["type": "notify"], "trigger": ["timeBeforeExpiry": "P10D"]],
            ],
        ]
        let set = await fixture.send(.put, "/keys/k/rotationpolicy", wanted)
        try #require(set.status == 200, "\(set.json)")
        #expect(set.json["attributes"]?["expiryTime"] == "P90D")
        #expect(await fixture.send(.get, "/keys/k/rotationpolicy").json == set.json)
        fixture.clock.advance(30 * 86_400 - 1)
        await fixture.vault.keepUp()
        #expect(await fixture.send(.get, "/keys/k").kid == made.kid)
        fixture.clock.advance(1)
        await fixture.vault.keepUp()
        await fixture.vault.keepUp()
        let versions = await fixture.send(.get, "/keys/k/versions").json["value"]?.array
        #expect(versions?.count == 2, "once, not with every call")
        let latest = await fixture.send(.get, "/keys/k").json
        #expect(latest["attributes"]?["exp"] == .integer(Shared.now.seconds + 120 * 86_400))
    }

    @Test(
        "rotation policies that make no sense are refused",
        arguments: [
            ["lifetimeActions": [["action": ["type": "Fly"], "trigger": ["timeAfterCreate": "P30D"]]]] as JSON,
            ["lifetimeActions": [["action": ["type": "Rotate"], "trigger": [:]]]],
            ["lifetimeActions": [["action": ["type": "Rotate"], "trigger": ["timeAfterCreate": "30"]]]],
            ["lifetimeActions": [["action": ["type": "Rotate"], "trigger": ["timeAfterCreate": "P6D"]]]],
            ["lifetimeActions": [["action": ["type": "Rotate"], "trigger": ["timeBeforeExpiry": "P30D"]]]],
            ["lifetimeActions": [["action": ["type": "Notify"], "trigger": ["timeAfterCreate": "P30D"]]]],
            [
                "lifetimeActions": [
                    ["action": ["type": "Rotate"], "trigger": ["timeAfterCreate": "P30D", "timeBeforeExpiry": "P30D"]]
                ]
            ],
            [
                "lifetimeActions": [
                    ["action": ["type": "Rotate"], "trigger": ["timeAfterCreate": "P30D"]],
                    ["action": ["type": "Rotate"], "trigger": ["timeAfterCreate": "P40D"]],
                ]
            ],
            ["attributes": ["expiryTime": "P1D"]], ["attributes": ["expiryTime": "P9999999Y"]],
        ])
    func badRotation(_ policy: JSON) async throws {
        let fixture = try Fixture()
        try await fixture.create(["kty": "EC"])
        let answer = await fixture.send(.put, "/keys/k/rotationpolicy", policy)
        #expect(answer.status == 400 && answer.code == "BadParameter")
        #expect(answer.message.hasPrefix("Key Rotation Policy: "))
    }

    // MARK: Backup

    @Test func `a backup brings back every version after a purge, and into another service of the domain`() async throws
    {
        let fixture = try Fixture(settings: Self.settings, domain: 1)
        let first = try await fixture.importKey()
        try await fixture.importKey(k: [UInt8](repeating: 8, count: 32))
        let made = await fixture.send(.get, "/keys/records").json
        let blob = try #require(await fixture.send(.post, "/keys/records/backup").json["value"])
        let conflict = await fixture.send(.post, "/keys/restore", ["value": blob])
        #expect(conflict.status == 409 && conflict.code == "Conflict")
        _ = await fixture.send(.delete, "/keys/records")
        #expect(await fixture.send(.delete, "/deletedkeys/records").status == 204)
        let restored = await fixture.send(.post, "/keys/restore", ["value": blob])
        #expect(restored.json == made)
        #expect(try await fixture.release(path: "/keys/records/\(first.version)/release").material() == Fixture.k)
        let sibling = try Fixture(authority: fixture.authority, settings: Self.settings, domain: 1)
        #expect(await sibling.send(.post, "/keys/restore", ["value": blob]).json == made)
        #expect(try await sibling.release().material() == [UInt8](repeating: 8, count: 32))
        let stranger = try Fixture(domain: 2)
        let refused = await stranger.send(.post, "/keys/restore", ["value": blob])
        #expect(refused.status == 400 && refused.refusal == "key-invalid")
        var damaged = Base64.decode(blob.string!)!
        damaged[damaged.count / 2] ^= 1
        for value in [.string(Base64.encodeURL(damaged)), "", "AAAA", 5] as [JSON] {
            #expect(await stranger.send(.post, "/keys/restore", ["value": value]).status == 400)
        }
    }

    // MARK: Flavours

    @Test func `a standard vault has no hardware keys and no release`() async throws {
        let fixture = try Fixture(settings: VaultSettings(flavour: .standard))
        for kty in ["RSA-HSM", "EC-HSM", "oct-HSM", "oct"] as [JSON] {
            let answer = await fixture.send(.post, "/keys/k/create", ["kty": kty])
            #expect(answer.status == 403 && answer.code == "Forbidden")
            #expect(answer.message == "Hardware key operation not allowed on standard vault")
        }
        let exportable = await fixture.send(.post, "/keys/k/create", fixture.exportable(["kty": "EC"]))
        #expect(exportable.message.hasPrefix("AKV.SKR.1001"))
        try await fixture.create(["kty": "EC"])
    }

    @Test func `a managed HSM makes every key an HSM's`() async throws {
        let fixture = try Fixture(settings: VaultSettings(flavour: .managedHSM))
        for kty in ["RSA", "EC", "oct"] {
            let made = try await fixture.create(kty, ["kty": .string(kty)])
            #expect(made.json["key"]?["kty"]?.string == kty + "-HSM")
        }
        let exportable = await fixture.send(.post, "/keys/k/create", fixture.exportable(["kty": "EC"]))
        #expect(exportable.status == 200, "\(exportable.json)")
        let notify: JSON = [
            "lifetimeActions": [["action": ["type": "Notify"], "trigger": ["timeBeforeExpiry": "P30D"]]]
        ]
        #expect(await fixture.send(.put, "/keys/k/rotationpolicy", notify).status == 400)
    }

    @Test func `a managed HSM signs releases with a header of its own form`() throws {
        let signer = try ReleaseSigner(Shared.chain, .managedHSM)
        let header = try JWS(compact: try signer.sign([:]), maximumBytes: 1 << 20).header
        #expect(Set(header.keys) == ["alg", "kid", "x5c", "x5t#S256"])
        #expect(header["kid"] == header["x5t#S256"])
        let vault = try JWS(compact: try Shared.signer.sign([:]), maximumBytes: 1 << 20).header
        #expect(Set(vault.keys) == ["alg", "kid", "typ", "x5c", "x5t", "x5t#S256"])
    }
}
