import AttestationToken
import Encoding
import Evidence
import Foundation
import TestSupport
import Testing

/// Tokens and key sets that a real service once sent.
@Suite(.enabled(if: Vectors.available, "needs the folder of vectors"))
struct RecordedTokenTests {
    struct Exchange {
        let token: String
        let issuer: PartyPolicy.Issuer
        let keySets: [String: IssuerKeySet]
        let issuedAt: Timestamp
    }

    /// The instance's certificate is self-signed, so its own key is what a relying party would pin.
    func exchange(_ request: String, certs: String) throws -> Exchange {
        let recorded = try JSON.parse(Vectors.bytes("maa-requests/\(request)"))
        let reply = try #require(recorded["recordedReply"])
        let file = try JSON.parse(Vectors.bytes("maa-requests/\(certs)"))
        let url = try #require(file["issuer"]?.string)
        let keys = try #require(file["reply"])
        let leaf = try #require(keys["keys"]?.array?.first?["x5c"]?.array?.first?.string)
        let certificate = try Certificate(der: #require(Base64.decode(leaf, .lenient)))
        return Exchange(
            token: try #require(reply["token"]?.string),
            issuer: PartyPolicy.Issuer(pins: [certificate.pin], simulated: false, url: url),
            keySets: [url: try IssuerKeySet(json: keys)],
            issuedAt: Timestamp(seconds: try #require(reply["claims"]?["iat"]?.integer)))
    }

    static let pairs = [
        ("sgx-recorded-shared-binary.json", "certs-sharedwus.json"),
        ("sgx-recorded-aad-binary.json", "certs-pylarryoattestationaad.json"),
        ("sgx-recorded-aad-json.json", "certs-pylarryoattestationaad.json"),
    ]

    @Test(arguments: pairs)
    func `a recorded RS256 token verifies at the time of capture and is no unit of ours`(
        request: String, certs: String
    ) throws {
        let recorded = try exchange(request, certs: certs)
        let issued = try IssuedToken.verify(
            recorded.token, issuers: [recorded.issuer], keySets: recorded.keySets, at: recorded.issuedAt)
        #expect(issued.grade == .hardware)
        #expect(issued.claims["x-ms-attestation-type"] == "sgx")
        #expect(issued.expires == recorded.issuedAt + 28_800)
        #expect(code { () throws(Refusal) in try AttestationToken(issued) } == .bindingMismatch)
    }

    @Test(arguments: ["certs-sharedwus.json", "certs-pylarryoattestationaad.json"])
    func `the name of a key is made as the real service makes it`(certs: String) throws {
        let key = try #require(
            JSON.parse(Vectors.bytes("maa-requests/\(certs)"))["reply"]?["keys"]?.array?.first)
        let leaf = try #require(key["x5c"]?.array?.first?.string.flatMap { Base64.decode($0, .lenient) })
        #expect(try Certificate(der: leaf).publicKey.attestationKeyID == key["kid"]?.string)
    }

    @Test("AC-026 a recorded draft token, alg none, is refused")
    func draft() throws {
        let recorded = try exchange("oe-recorded-aad-draft-policy.json", certs: "certs-pylarryoattestationaad.json")
        #expect(
            code { () throws(Refusal) in
                try IssuedToken.verify(
                    recorded.token, issuers: [recorded.issuer], keySets: recorded.keySets, at: recorded.issuedAt)
            } == .tokenAlgorithm)
    }

    @Test("AC-029 a recorded token is refused an hour and a second later")
    func late() throws {
        let recorded = try exchange("sgx-recorded-shared-binary.json", certs: "certs-sharedwus.json")
        #expect(
            code { () throws(Refusal) in
                try IssuedToken.verify(
                    recorded.token, issuers: [recorded.issuer], keySets: recorded.keySets,
                    at: recorded.issuedAt + 3_601)
            } == .tokenTime)
    }

    @Test func `a published key set is read, and its short RSA keys vouch for nothing`() throws {
        let bytes = try Vectors.bytes("maa-signing-certs/get.certs.response.body.json")
        let set = try IssuerKeySet(json: bytes)
        let json = try JSON.parse(bytes)
        let kid = try #require(json["keys"]?.array?.first?["kid"]?.string)
        #expect(set.contains(kid: kid))
        #expect(set.chains.count == json["keys"]?.array?.count)
        #expect(
            code { () throws(Refusal) in
                try set.key(kid: kid, pins: [], at: Timestamp(seconds: 1_600_000_000))
            } == .issuerKeysUntrusted)
    }
}
