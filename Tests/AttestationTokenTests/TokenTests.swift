import AttestationToken
import Crypto
import CryptoExtras
import Encoding
import Evidence
import Testing
import X509

/// The checks of formats section 3, in their order.
struct TokenTests {
    @Test(arguments: [
        (SigningKey.es256(Fixture.es256), "es256"), (.es384(Fixture.es384), "es384"), (.rs256(Fixture.rs256), "rs256"),
    ])
    func `a good token is verified and says what it is`(key: SigningKey, kid: String) throws {
        let compact = Fixture.sign(Fixture.claims(), key: key, kid: kid)
        let token = try Fixture.verify(compact)
        #expect(token.tee == .snp)
        #expect(token.grade == .simulated)
        #expect(token.runtimeData.role == "diagnostics")
        #expect(token.hostData == Fixture.party.bytes)
        #expect(!token.isDebuggable)
        #expect(token.issuedAt == Fixture.now)
        #expect(token.digest == Encoding.Digest(of: compact))
        #expect(token.usableUntil == Fixture.now + 3_600)
    }

    @Test func `a token of an SGX enclave is verified too`() throws {
        let runtime = Fixture.runtimeData()
        var claims = Fixture.claims(runtime).filter { !$0.key.hasPrefix("x-ms-sevsnpvm") }
        claims["x-ms-attestation-type"] = "sgx"
        claims["x-ms-sgx-report-data"] = .string(Hex.encode(runtime.reportData))
        claims["x-ms-sgx-is-debuggable"] = true
        claims["x-ms-sgx-config-id"] = .string(runtime.party.hex + String(repeating: "0", count: 64))
        let token = try Fixture.verify(Fixture.sign(claims))
        #expect(token.tee == .sgx)
        #expect(token.isDebuggable)
        #expect(token.hostData == Fixture.party.bytes + [UInt8](repeating: 0, count: 32))
    }

    // MARK: Form

    @Test("AC-033 duplicate members, deep nesting, huge claims and odd encodings are refused")
    func malformed() throws {
        let good = Fixture.sign(Fixture.claims())
        func expect(_ payload: String, _ fault: Comment) {
            let compact = Fixture.replacing(part: 1, of: good, with: Base64.encodeURL(Array(payload.utf8)))
            #expect(code { () throws(Refusal) in try Fixture.verify(compact) } == .tokenMalformed, fault)
        }
        expect(#"{"iss":"a","iss":"b"}"#, "duplicate")
        expect("[1]", "array")
        expect(#"{"a":"\ud800"}"#, "unpaired surrogate")
        expect(#"{"a":"# + String(repeating: "[", count: 20) + String(repeating: "]", count: 20) + "}", "deep")
        expect(#"{"a":""# + String(repeating: "x", count: 70_000) + #""}"#, "huge")
        #expect(code { () throws(Refusal) in try Fixture.verify(good + "=") } == .tokenMalformed)
        #expect(code { () throws(Refusal) in try Fixture.verify(good + "\n") } == .tokenMalformed)
    }

    @Test func `a critical header member or another type is refused`() {
        for header: [String: JSON] in [["crit": ["b64"]], ["typ": "cloister-hop+jwt"], ["typ": 1]] {
            let compact = Fixture.sign(Fixture.claims(), header: header)
            #expect(code { () throws(Refusal) in try Fixture.verify(compact) } == .tokenMalformed)
        }
    }

    // MARK: Algorithm and key

    @Test("AC-026 none, HMAC, unknown algorithms and key type confusion are refused")
    func algorithms() throws {
        let good = Fixture.sign(Fixture.claims())
        for algorithm in ["none", "None", "HS256", "ES512", "PS256", "RS512", "es256", ""] {
            let header: JSON = ["alg": .string(algorithm), "kid": "es256", "typ": "JWT"]
            let encoded = Base64.encodeURL(header.canonical)
            for signature in ["", nil] {
                var compact = Fixture.replacing(part: 0, of: good, with: encoded)
                if let signature { compact = Fixture.replacing(part: 2, of: compact, with: signature) }
                #expect(code { () throws(Refusal) in try Fixture.verify(compact) } == .tokenAlgorithm, "\(algorithm)")
            }
        }
        // HMAC with the public key as the secret.
        let input =
            Base64.encodeURL(JSON.object(["alg": "HS256", "kid": "es256"]).canonical) + "."
            + Base64.encodeURL(JSON.object(Fixture.claims()).canonical)
        let mac = HMAC<SHA256>.authenticationCode(
            for: Array(input.utf8), using: SymmetricKey(data: Fixture.es256.publicKey.derRepresentation))
        #expect(
            code { () throws(Refusal) in try Fixture.verify(input + "." + Base64.encodeURL(mac)) } == .tokenAlgorithm)
        // The right algorithms, on the key of another.
        let confused = Fixture.sign(Fixture.claims(), key: .rs256(Fixture.rs256), kid: "es256")
        #expect(code { () throws(Refusal) in try Fixture.verify(confused) } == .tokenAlgorithm)
    }

    @Test("AC-027 an unknown, missing or duplicate kid, and a key inside the header, are refused")
    func keyNames() throws {
        let unknown = Fixture.sign(Fixture.claims(), kid: "other")
        #expect(code { () throws(Refusal) in try Fixture.verify(unknown) } == .tokenKeyUnknown)
        let missing = try SigningKey.es256(Fixture.es256).sign(
            header: ["typ": "JWT"], payload: JSON.object(Fixture.claims()).canonical)
        #expect(code { () throws(Refusal) in try Fixture.verify(missing) } == .tokenKeyUnknown)
        let entry = Fixture.entry("es256", [Fixture.leafES256, Fixture.issuerCertificate])
        let twice = [Fixture.url: try IssuerKeySet(json: ["keys": [entry, entry]])]
        let good = Fixture.sign(Fixture.claims())
        #expect(code { () throws(Refusal) in try Fixture.verify(good, keySets: twice) } == .tokenKeyUnknown)
        for header: [String: JSON] in [
            ["jwk": JWK(Fixture.stranger.publicKey).json], ["x5c": [.string(Base64.encodeStandard(Fixture.leafES256))]],
            ["x5u": "https://attacker.example/cert"],
        ] {
            let inside = Fixture.sign(Fixture.claims(), key: .es256(Fixture.stranger), header: header)
            #expect(code { () throws(Refusal) in try Fixture.verify(inside) } == .tokenKeyUnknown)
        }
    }

    @Test("AC-027 the signature of another key, and any changed byte, are refused")
    func signatures() throws {
        let foreign = Fixture.sign(Fixture.claims(), key: .es256(Fixture.stranger))
        #expect(code { () throws(Refusal) in try Fixture.verify(foreign) } == .tokenSignature)
        let good = Fixture.sign(Fixture.claims())
        var changed = Fixture.claims()
        changed["x-ms-sevsnpvm-guestsvn"] = 1
        let payload = Base64.encodeURL(JSON.object(changed).canonical)
        let spliced = Fixture.replacing(part: 1, of: good, with: payload)
        #expect(code { () throws(Refusal) in try Fixture.verify(spliced) } == .tokenSignature)
        let empty = Fixture.replacing(part: 2, of: good, with: "")
        #expect(code { () throws(Refusal) in try Fixture.verify(empty) } == .tokenSignature)
    }

    @Test func `jku is never followed and does not matter`() throws {
        _ = try Fixture.verify(Fixture.sign(Fixture.claims(), header: ["jku": "https://attacker.example/certs"]))
    }

    // MARK: The issuer's keys

    @Test("AC-035 a key list that an attacker replaced is refused: only pinned issuers count")
    func keyList() throws {
        let attacker = P256.Signing.PrivateKey()
        let root = Fixture.certificate(
            .init(attacker.publicKey), name: "Test issuer", authority: true, signer: attacker)
        let leaf = Fixture.certificate(
            .init(Fixture.es256.publicKey), name: Fixture.url, authority: false, signer: attacker)
        let expired = Fixture.certificate(
            .init(Fixture.es256.publicKey), name: Fixture.url, authority: false, signer: Fixture.issuerKey,
            from: Fixture.now - 1_000, to: Fixture.now - 1)
        let early = Fixture.certificate(
            .init(Fixture.es256.publicKey), name: Fixture.url, authority: false, signer: Fixture.issuerKey,
            from: Fixture.now + 1)
        let notAuthority = Fixture.certificate(
            .init(Fixture.issuerKey.publicKey), name: "Test issuer", authority: false, signer: Fixture.issuerKey)
        let chains: [(String, [[UInt8]])] = [
            ("other root", [leaf, root]), ("pinned root, leaf of another", [leaf, Fixture.issuerCertificate]),
            ("leaf alone", [Fixture.leafES256]), ("no certificate", []),
            ("broken", [[1, 2, 3], Fixture.issuerCertificate]),
            ("three", [Fixture.leafES256, Fixture.issuerCertificate, Fixture.issuerCertificate]),
            ("swapped", [Fixture.issuerCertificate, Fixture.leafES256]),
            ("expired leaf", [expired, Fixture.issuerCertificate]), ("early leaf", [early, Fixture.issuerCertificate]),
            ("issuer that may not sign certificates", [Fixture.leafES256, notAuthority]),
        ]
        let token = Fixture.sign(Fixture.claims())
        for (fault, chain) in chains {
            let set = [Fixture.url: try IssuerKeySet(json: ["keys": [Fixture.entry("es256", chain)]])]
            #expect(
                code { () throws(Refusal) in try Fixture.verify(token, keySets: set) } == .issuerKeysUntrusted,
                "\(fault)")
        }
        #expect(code { () throws(Refusal) in try IssuerKeySet(json: Array("{}".utf8)) } == .issuerKeysUntrusted)
        #expect(code { () throws(Refusal) in try IssuerKeySet(json: Array("nonsense".utf8)) } == .issuerKeysUntrusted)
    }

    @Test func `the next pin counts as well as the current one`() throws {
        let next = PartyPolicy.Issuer(
            pins: [Encoding.Digest(of: "older key"), Fixture.pin], simulated: true, url: Fixture.url)
        _ = try Fixture.verify(Fixture.sign(Fixture.claims()), issuers: [next])
    }

    @Test("AC-036 without the issuer's keys nothing is accepted")
    func keysUnavailable() {
        let token = Fixture.sign(Fixture.claims())
        #expect(code { () throws(Refusal) in try Fixture.verify(token, keySets: [:]) } == .issuerKeysUnavailable)
    }

    @Test("AC-028 a genuine key under another issuer's name is refused")
    func issuer() throws {
        var claims = Fixture.claims()
        claims["iss"] = "https://other.example"
        let token = Fixture.sign(claims)
        #expect(code { () throws(Refusal) in try Fixture.verify(token) } == .tokenIssuer)
        claims["iss"] = .string(Fixture.url + "/")
        let slash = Fixture.sign(claims)
        #expect(code { () throws(Refusal) in try Fixture.verify(slash) } == .tokenIssuer)
        claims["iss"] = nil
        let missing = Fixture.sign(claims)
        #expect(code { () throws(Refusal) in try Fixture.verify(missing) } == .tokenIssuer)
    }

    // MARK: Time

    @Test(
        "AC-029 expired, not yet valid, too old or without a time is refused",
        arguments: [
            ("nbf", 61, .tokenTime), ("nbf", 60, nil), ("exp", -60, .tokenTime), ("exp", -59, nil),
            ("iat", -3_601, .tokenTime), ("iat", -3_600, nil), ("iat", 61, .tokenTime), ("iat", 60, nil),
            ("x-cloister-valid-until", -61, .tokenTime), ("x-cloister-valid-until", -60, nil),
        ] as [(String, Int64, RefusalCode?)])
    func time(claim: String, offset: Int64, expected: RefusalCode?) {
        var claims = Fixture.claims()
        claims[claim] = .integer(Fixture.now.seconds + offset)
        let token = Fixture.sign(claims)
        #expect(code { () throws(Refusal) in try Fixture.verify(token) } == expected)
    }

    @Test(arguments: ["iat", "nbf", "exp"])
    func `a token without one of its times, or with an absurd one, is refused`(claim: String) {
        for value: JSON? in [nil, "1795300000", .number(1.5), .integer(-1), .integer(.max), .integer(.min), .null] {
            var claims = Fixture.claims()
            claims[claim] = value
            let token = Fixture.sign(claims)
            #expect(code { () throws(Refusal) in try Fixture.verify(token) } == .tokenTime)
        }
    }

    // MARK: Grade

    @Test("AC-039 simulated evidence is refused where the policy wants hardware")
    func grade() throws {
        let hardwareOnly = PartyPolicy.Issuer(pins: [Fixture.pin], simulated: false, url: Fixture.url)
        let simulated = Fixture.sign(Fixture.claims())
        #expect(
            code { () throws(Refusal) in try Fixture.verify(simulated, issuers: [hardwareOnly]) }
                == .gradeInsufficient)
        var claims = Fixture.claims()
        claims["x-cloister-grade"] = "hardware"
        #expect(try Fixture.verify(Fixture.sign(claims), issuers: [hardwareOnly]).grade == .hardware)
        claims["x-cloister-grade"] = "Hardware"
        let odd = Fixture.sign(claims)
        #expect(code { () throws(Refusal) in try Fixture.verify(odd, issuers: [hardwareOnly]) } == .gradeInsufficient)
        claims["x-cloister-grade"] = nil
        let silent = Fixture.sign(claims)
        #expect(try Fixture.verify(silent, issuers: [hardwareOnly]).grade == .hardware)
        #expect(try Fixture.verify(silent).grade == .simulated)
    }

    // MARK: Binding

    @Test("AC-031 runtime data that the report data does not vouch for is refused")
    func binding() throws {
        let changes: [(String, (inout [String: JSON]) -> Void)] = [
            ("no runtime data", { $0["x-ms-runtime"] = nil }),
            ("foreign runtime data", { $0["x-ms-runtime"] = ["keys": []] }),
            (
                "runtime data of another unit",
                { $0["x-ms-runtime"] = try! JSON.parse(Fixture.runtimeData(role: "medical-platform").bytes) }
            ),
            (
                "a non-zero second half",
                {
                    var data = Fixture.runtimeData().reportData
                    data[63] = 1
                    $0["x-ms-sevsnpvm-reportdata"] = .string(Hex.encode(data))
                }
            ),
            ("no report data", { $0["x-ms-sevsnpvm-reportdata"] = nil }),
        ]
        for (fault, change) in changes {
            #expect(code { () throws(Refusal) in try Fixture.token(change) } == .bindingMismatch, "\(fault)")
        }
    }

    @Test func `claims of the wrong shape are refused`() {
        let changes: [(inout [String: JSON]) -> Void] = [
            { $0["x-ms-attestation-type"] = nil }, { $0["x-ms-attestation-type"] = "tpm" },
            { $0["x-ms-sevsnpvm-is-debuggable"] = nil }, { $0["x-ms-sevsnpvm-is-debuggable"] = "false" },
            { $0["x-ms-sevsnpvm-hostdata"] = "zz" }, { $0["x-ms-sevsnpvm-reportdata"] = 7 },
        ]
        for change in changes {
            #expect(code { () throws(Refusal) in try Fixture.token(change) } == .tokenMalformed)
        }
    }

    @Test func `an issued token is verified without runtime data of our format`() throws {
        var claims = Fixture.claims()
        claims["x-ms-runtime"] = ["keys": []]
        let issued = try IssuedToken.verify(
            Fixture.sign(claims), issuers: [Fixture.issuer], keySets: Fixture.keySets, at: Fixture.now)
        #expect(issued.grade == .simulated)
        #expect(issued.issuerPin == Fixture.pin)
    }
}
