import AttestationToken
import Crypto
import CryptoExtras
import Encoding
import Testing

struct RuntimeDataTests {
    let good = Fixture.runtimeData()

    @Test func `what is built is read back, in JCS form`() throws {
        let read = try RuntimeData(parsing: good.bytes)
        #expect(read.bytes == good.bytes)
        #expect(read.wrappingKey == good.wrappingKey)
        #expect(read.wrappingKey.use == "enc")
        #expect(read.hopKey.rawRepresentation == Fixture.hop.publicKey.rawRepresentation)
        #expect(read.ohttp == [0, 2, 7, 7])
        #expect(read.party == Fixture.party)
        #expect(read.nonce == nil)
        #expect(read.reportData == Array(SHA256.hash(data: good.bytes)) + [UInt8](repeating: 0, count: 32))
        #expect(read.hopKeyThumbprint == JWK(Fixture.hop.publicKey).thumbprint)
    }

    @Test func `an answer to a challenge keeps the keys and carries the nonce`() throws {
        let nonce = [UInt8](repeating: 9, count: 32)
        let answer = try good.answering(nonce: nonce)
        #expect(answer.nonce == nonce)
        #expect(answer.wrappingKey == good.wrappingKey)
        #expect(answer.reportData != good.reportData)
        #expect(code { () throws(Refusal) in try good.answering(nonce: [1]) } == .evidenceMalformed)
    }

    @Test func `each fault of the format is refused`() throws {
        let json = try JSON.parse(good.bytes)
        let keys = try #require(json["keys"]?.array)
        func member(_ key: JSON, _ name: String, _ value: JSON?) -> JSON {
            var members = key.object ?? [:]
            members[name] = value
            return .object(members)
        }
        let short = try JWK(Fixture.rs256.publicKey, use: "enc").json
        let cases: [(String, String, JSON?)] = [
            ("another version", "format", "cloister-runtime-data/2"), ("no role", "role", nil),
            ("a role that is no unit", "role", "../diagnostics"), ("no party", "party", nil),
            ("a party that is no digest", "party", "AAAA"), ("an unknown member", "extra", true),
            ("a short nonce", "nonce", "AAAA"), ("no channel keys", "ohttp", ""),
            ("channel keys that end early", "ohttp", .string(Base64.encodeURL([0, 3, 7, 7]))),
            ("bytes after the channel keys", "ohttp", .string(Base64.encodeURL([0, 2, 7, 7, 0]))),
            ("one key", "keys", [keys[0]]), ("three keys", "keys", .array(keys + [keys[1]])),
            ("two wrapping keys", "keys", [keys[0], keys[0]]), ("two hop keys", "keys", [keys[1], keys[1]]),
            ("an RSA key of 2,048 bits", "keys", [short, keys[1]]),
            ("a kid that is not the thumbprint", "keys", [member(keys[0], "kid", "x"), keys[1]]),
            ("no kid", "keys", [keys[0], member(keys[1], "kid", nil)]),
            ("a hop key for another use", "keys", [keys[0], member(keys[1], "use", "enc")]),
            ("a private part", "keys", [keys[0], member(keys[1], "d", "AA")]),
        ]
        for (fault, name, value) in cases {
            let changed = member(json, name, value)
            #expect(
                code { () throws(Refusal) in try RuntimeData(parsing: changed.canonical) } == .evidenceMalformed,
                "\(fault)")
        }
        #expect(
            code { () throws(Refusal) in try RuntimeData(parsing: good.bytes + [0x20]) } == .evidenceMalformed,
            "not JCS")
        let long = member(json, "ohttp", .string(String(repeating: "A", count: 20_000)))
        #expect(code { () throws(Refusal) in try RuntimeData(parsing: long.canonical) } == .evidenceMalformed)
    }
}
