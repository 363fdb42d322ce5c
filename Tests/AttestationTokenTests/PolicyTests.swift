import AttestationToken
import Crypto
import CryptoExtras
import Encoding
import Evidence
import Foundation
import TestSupport
import Testing

struct PartyPolicyTests {
    let now = Fixture.now
    let party = Fixture.party

    func read(_ compact: String, at time: Timestamp = Fixture.now) throws(Refusal) -> PartyPolicy {
        try PartyPolicy(compact: compact, pinned: Fixture.party, at: time)
    }

    /// Signs any payload as if it were a policy.
    func forge(_ change: (inout [String: JSON]) -> Void) throws -> String {
        var members = Fixture.policy().json.object ?? [:]
        change(&members)
        return try SignedDocument.sign(
            .object(members), type: "cloister-party-policy+jwt",
            keyMember: (.jwk, JWK(Fixture.policyKey.publicKey).json), with: Fixture.policyKey)
    }

    @Test func `a signed policy is read back as it was`() throws {
        let compact = try Fixture.policy().sign(with: Fixture.policyKey)
        #expect(try read(compact) == Fixture.policy())
        #expect(try PartyPolicy(own: compact, at: now) == Fixture.policy())
    }

    @Test func `a policy of another key is refused`() throws {
        let compact = try Fixture.policy().sign(with: Fixture.policyKey)
        #expect(
            code { () throws(Refusal) in
                try PartyPolicy(compact: compact, pinned: Fixture.peer, at: now)
            } == .endorsementInvalid)
        // The right key in the header, signed by another.
        let forged = try SignedDocument.sign(
            Fixture.policy().json, type: "cloister-party-policy+jwt",
            keyMember: (.jwk, JWK(Fixture.policyKey.publicKey).json), with: Fixture.stranger)
        #expect(code { () throws(Refusal) in try read(forged) } == .endorsementInvalid)
        // Another party's name under the own key.
        let misnamed = try forge { $0["party"] = .string(Fixture.peer.description) }
        #expect(code { () throws(Refusal) in try read(misnamed) } == .endorsementInvalid)
        #expect(
            code { () throws(Refusal) in try Fixture.policy().sign(with: Fixture.stranger) } == .endorsementInvalid)
    }

    @Test func `an unsigned policy is refused`() throws {
        let header: JSON = [
            "alg": "none", "jwk": JWK(Fixture.policyKey.publicKey).json, "typ": "cloister-party-policy+jwt",
        ]
        let compact =
            Base64.encodeURL(header.canonical) + "." + Base64.encodeURL(Fixture.policy().json.canonical) + "."
        #expect(code { () throws(Refusal) in try read(compact) } == .endorsementInvalid)
    }

    @Test func `a policy outside its time is refused`() throws {
        let compact = try Fixture.policy().sign(with: Fixture.policyKey)
        let policy = Fixture.policy()
        #expect(code { () throws(Refusal) in try read(compact, at: policy.notBefore) } == nil)
        #expect(code { () throws(Refusal) in try read(compact, at: policy.notBefore - 1) } == .endorsementInvalid)
        #expect(code { () throws(Refusal) in try read(compact, at: policy.notAfter) } == nil)
        #expect(code { () throws(Refusal) in try read(compact, at: policy.notAfter + 1) } == .endorsementInvalid)
        var long = Fixture.policy()
        long.notAfter = long.notBefore + PartyPolicy.maximumLifetime + 1
        #expect(code { () throws(Refusal) in try long.sign(with: Fixture.policyKey) } == .endorsementInvalid)
    }

    @Test func `each fault of the format is refused`() throws {
        let issuer = Fixture.issuer.json
        let pin = JSON.string(Fixture.pin.description)
        func changed(_ json: JSON, _ name: String, _ value: JSON?) -> JSON {
            var members = json.object ?? [:]
            members[name] = value
            return .object(members)
        }
        let signer = Fixture.policy().releaseSigners[0].json
        let cases: [(String, String, JSON?)] = [
            ("another version", "format", "cloister-party-policy/2"), ("no peers", "peers", nil),
            ("an unknown member", "extra", true), ("a negative sequence", "sequence", -1),
            ("a fraction", "sequence", .number(1.5)), ("no issuer", "issuers", []),
            ("an issuer twice", "issuers", [issuer, issuer]),
            (
                "an issuer in two spellings", "issuers",
                [issuer, changed(issuer, "url", .string(Fixture.url.replacing("localhost", with: "LOCALHOST")))]
            ), ("a threshold of none", "threshold", 0),
            ("a threshold of more", "threshold", 2),
            ("an issuer without pins", "issuers", [changed(issuer, "pins", [])]),
            ("an issuer with three pins", "issuers", [changed(issuer, "pins", [pin, pin, pin])]),
            ("an issuer over http", "issuers", [changed(issuer, "url", "http://localhost")]),
            ("an issuer with a slash", "issuers", [changed(issuer, "url", "https://localhost/")]),
            ("an issuer with an unknown member", "issuers", [changed(issuer, "trusted", true)]),
            (
                "a signer with an RSA key", "releaseSigners",
                [changed(signer, "key", try JWK(Fixture.rs256.publicKey).json)]
            ),
            ("a peer that is no unit", "peers", [["party": .string(party.description), "role": "A"]]),
            ("an enrolment that is no digest", "enrolment", ["x"]),
        ]
        for (fault, name, value) in cases {
            let compact = try forge { $0[name] = value }
            #expect(code { () throws(Refusal) in try read(compact) } == .tokenMalformed, "\(fault)")
        }
    }

    @Test func `a header with anything else than alg, typ and jwk is refused`() throws {
        let payload = Fixture.policy().json.canonical
        let jwk = JWK(Fixture.policyKey.publicKey).json
        let headers: [[String: JSON]] = [
            ["typ": "cloister-release+jwt", "jwk": jwk], ["jwk": jwk], ["typ": "cloister-party-policy+jwt"],
            ["typ": "cloister-party-policy+jwt", "jwk": jwk, "kid": "x"],
            ["typ": "cloister-party-policy+jwt", "jwk": jwk, "crit": ["x"]],
            ["typ": "cloister-party-policy+jwt", "jwk": jwk, "jku": "https://x"],
        ]
        for header in headers {
            let compact = try SigningKey.es256(Fixture.policyKey).sign(header: header, payload: payload)
            #expect(code { () throws(Refusal) in try read(compact) } == .tokenMalformed)
        }
    }

    @Test func `a payload that is not its own JCS form is refused`() throws {
        let compact = try SigningKey.es256(Fixture.policyKey).sign(
            header: ["typ": "cloister-party-policy+jwt", "jwk": JWK(Fixture.policyKey.publicKey).json],
            payload: Fixture.policy().json.canonical + [0x0a])
        #expect(code { () throws(Refusal) in try read(compact) } == .tokenMalformed)
    }

    @Test func `a party card is read back, and refused with anything else in it`() throws {
        let policy = Fixture.policy()
        let card = PartyCard(
            party: party, name: "Provider", issuers: policy.issuers, keyServices: policy.keyServices,
            releaseSigners: policy.releaseSigners)
        #expect(try PartyCard(parsing: card.json.canonical) == card)
        var members = card.json.object ?? [:]
        members["extra"] = 1
        let changed = JSON.object(members).canonical
        #expect(code { () throws(Refusal) in try PartyCard(parsing: changed) } == .tokenMalformed)
        #expect(code { () throws(Refusal) in try PartyCard(parsing: [0x7b]) } == .tokenMalformed)
    }
}

struct SequenceMemoryTests {
    @Test func `a lower sequence is refused, also after a restart`() throws {
        let folder = try TemporaryFolder()
        let path = folder.url.appending(path: "sequences.json").path
        let memory = try SequenceMemory(path: path)
        try memory.admit(Fixture.policy())
        try memory.admit(Fixture.policy())
        try memory.admit(1, of: "policy:other")
        var older = Fixture.policy()
        older.sequence -= 1
        #expect(code { () throws(Refusal) in try memory.admit(older) } == .endorsementInvalid)
        let restarted = try SequenceMemory(path: path)
        #expect(code { () throws(Refusal) in try restarted.admit(older) } == .endorsementInvalid)
        older.sequence += 2
        #expect(code { () throws(Refusal) in try restarted.admit(older) } == nil)
    }

    @Test func `a memory that was tampered with is not taken for an empty one`() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "sequences.json")
        try Data("{}".utf8).write(to: file)
        #expect(code { () throws(Refusal) in try SequenceMemory(path: file.path) } == .stateRollback)
    }

    @Test func `what cannot be written down is not admitted`() throws {
        let folder = try TemporaryFolder()
        let memory = try SequenceMemory(path: folder.url.appending(path: "missing/sequences.json").path)
        #expect(code { () throws(Refusal) in try memory.admit(1, of: "x") } == .stateRollback)
    }
}
