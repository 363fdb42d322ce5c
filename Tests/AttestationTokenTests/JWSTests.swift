import AttestationToken
import Crypto
import CryptoExtras
import Encoding
import Testing

struct JWSTests {
    @Test func `the ES256 example of RFC 7515 appendix A.3 verifies, and not with one bit changed`() throws {
        let compact =
            "eyJhbGciOiJFUzI1NiJ9"
            + ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
            + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        let jwk = try JWK(json: [
            "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        ])
        let key = try VerificationKey(jwk)
        let jws = try JWS(compact: compact, maximumBytes: 1_000)
        try key.verify(jws)
        var payload = jws.payload
        payload[3] ^= 1
        let changed = Fixture.replacing(part: 1, of: compact, with: Base64.encodeURL(payload))
        #expect(
            code { () throws(Refusal) in try key.verify(JWS(compact: changed, maximumBytes: 1_000)) } == .tokenSignature
        )
    }

    @Test func `the RS256 example of RFC 7515 appendix A.2 verifies`() throws {
        let compact =
            "eyJhbGciOiJSUzI1NiJ9"
            + ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
            + ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJ"
            + "dbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9"
            + "383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIh"
            + "WkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
        let jwk = try JWK(json: [
            "kty": "RSA",
            "n": .string(
                "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yR"
                    + "T-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e"
                    + "-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NA"
                    + "co9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"),
            "e": "AQAB",
        ])
        try VerificationKey(jwk).verify(JWS(compact: compact, maximumBytes: 2_000))
        #expect(jwk.modulusBits == 2_048)
    }

    @Test func `the thumbprint is that of RFC 7638 section 3_1`() throws {
        let jwk = try JWK(
            json: [
                "kty": "RSA", "alg": "RS256", "kid": "2011-04-29", "e": "AQAB",
                "n": .string(
                    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZC"
                        + "iFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0z"
                        + "gdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
                        + "kEgU8awapJzKnqDKgw"),
            ], .lenient)
        #expect(jwk.thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
    }

    @Test(arguments: [
        ("", "nothing"), ("a.b", "two parts"), ("e30.e30.e30.e30", "four parts"), ("e30.e30.", "a header without alg"),
        ("eyJhbGciOiJFUzI1NiJ9=.e30.AA", "padding"), ("eyJhbGciOiJFUzI1NiJ9.e30.AB", "non-zero trailing bits"),
        ("eyJhbGciOiJFUzI1NiJ9.e30.+/+/", "the other alphabet"), (" eyJhbGciOiJFUzI1NiJ9.e30.AA", "a blank"),
        (Base64.encodeURL(Array(#"{"alg":"ES256","alg":"none"}"#.utf8)) + ".e30.AA", "a duplicate name"),
        (Base64.encodeURL(Array(#"["alg"]"#.utf8)) + ".e30.AA", "a header that is an array"),
        (Base64.encodeURL(Array(#"{"alg":7}"#.utf8)) + ".e30.AA", "an alg that is a number"),
    ])
    func `a compact form with a fault is refused`(compact: String, fault: String) {
        #expect(code { () throws(Refusal) in try JWS(compact: compact, maximumBytes: 1_000) } == .tokenMalformed)
    }

    @Test func `the size is checked before anything else`() {
        let compact = Fixture.sign(Fixture.claims())
        #expect(
            code { () throws(Refusal) in try JWS(compact: compact, maximumBytes: compact.utf8.count - 1) }
                == .tokenMalformed)
        #expect(code { () throws(Refusal) in try JWS(compact: compact, maximumBytes: compact.utf8.count) } == nil)
    }

    @Test(arguments: [SigningKey.es256(Fixture.es256), .es384(Fixture.es384), .rs256(Fixture.rs256)])
    func `what a key signs, its public half verifies and no other does`(key: SigningKey) throws {
        let compact = try key.sign(header: ["typ": "x"], payload: [1, 2, 3])
        let jws = try JWS(compact: compact, maximumBytes: 10_000)
        #expect(jws.algorithm == key.algorithm)
        #expect(jws.payload == [1, 2, 3])
        try VerificationKey(key.publicKey).verify(jws)
        #expect(
            code { () throws(Refusal) in try VerificationKey.es256(Fixture.stranger.publicKey).verify(jws) }
                == (key.algorithm == "ES256" ? .tokenSignature : .tokenAlgorithm))
    }
}

struct JWKTests {
    @Test func `keys survive the way to JSON and back`() throws {
        for key in [
            JWK(Fixture.hop.publicKey, use: "sig"), JWK(Fixture.es384.publicKey),
            try JWK(Fixture.rs256.publicKey, use: "enc"),
        ] {
            #expect(try JWK(json: key.json) == key)
        }
        #expect(JWK(Fixture.hop.publicKey, use: "sig").keyID == JWK(Fixture.hop.publicKey).thumbprint)
        #expect(JWK(Fixture.hop.publicKey).keyID == nil)
        #expect(try JWK(Fixture.policyKey.publicKey).pin() == Fixture.party)
    }

    static let x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
    static let y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"

    @Test(
        arguments: [
            (["kty": "oct", "k": "AA"], "a symmetric key"),
            (["kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"], "another curve"),
            (["kty": "EC", "crv": "P-256", "x": .string(x)], "a missing coordinate"),
            (["kty": "EC", "crv": "P-256", "x": .string(x), "y": .string(y), "d": "AA"], "a private part"),
            (["kty": "EC", "crv": "P-256", "x": .string("AA" + x), "y": .string(y)], "a coordinate that is too long"),
            (["kty": "RSA", "n": "AAEC", "e": "AQAB"], "a modulus with a leading zero"),
            (["kty": "RSA", "n": "", "e": "AQAB"], "an empty modulus"),
        ] as [(JSON, String)])
    func `a JWK with a fault is refused`(json: JSON, fault: String) {
        #expect(code { () throws(Refusal) in try JWK(json: json) } == .tokenMalformed)
    }

    @Test func `a point that is not on the curve and a short RSA key are no keys`() throws {
        let off = try JWK(json: ["kty": "EC", "crv": "P-256", "x": .string(Self.x), "y": .string(Self.x)])
        #expect(code { () throws(Refusal) in try off.publicKey() } == .keyInvalid)
        let short = JWK(.rsa(modulus: [UInt8](repeating: 0xff, count: 128), exponent: [1, 0, 1]))
        #expect(code { () throws(Refusal) in try short.publicKey() } == .keyInvalid)
        #expect(code { () throws(Refusal) in try short.rsaEncryption() } == .keyInvalid)
    }

    @Test func `a lenient reader ignores what it does not know and leading zeros`() throws {
        let modulus = [UInt8](repeating: 0xff, count: 256)
        let json: JSON = [
            "kty": "RSA", "n": .string(Base64.encodeURL([0] + modulus)), "e": "AQAB", "key_ops": ["encrypt"],
        ]
        #expect(try JWK(json: json, .lenient).key == .rsa(modulus: modulus, exponent: [1, 0, 1]))
        #expect(code { () throws(Refusal) in try JWK(json: json) } == .tokenMalformed)
    }
}
