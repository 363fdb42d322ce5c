import Crypto
import CryptoExtras
import Encoding
import Evidence
import Foundation
import KeyRelease
import TestSupport
import Testing

@testable import KeyReleaseSidecar

/// Released keys of the vectors as workloads get them.
@Suite(.enabled(if: Vectors.available, "needs the folder of vectors")) struct ReleasedJWKTests {
    let vector: JSON

    init() throws {
        vector = try JSON.parse(try Vectors.bytes("skr/key-release.json"))
    }

    func released(_ entry: JSON, host: String? = nil) throws -> KeyReleaseResponse {
        let der = try #require(vector["wrapping_key_pkcs8_der_base64"]?.string.flatMap { Base64.decode($0, .lenient) })
        let roots = ReleaseRoots.pins(pem: vector["trusted_root_pem"]?.string ?? "")
        #expect(roots.count == 1)
        return try KeyReleaseResponse.open(
            jws: entry["http_body"]?["value"]?.string ?? "",
            trust: ReleaseTrust(pins: roots, host: host ?? vector["vault_endpoint"]?.string ?? ""),
            kid: "https://vault.cloister.invalid/keys/K", enc: nil, nonce: nil,
            wrappingKey: try _RSA.Encryption.PrivateKey(derRepresentation: der), at: Timestamp(seconds: 1_795_300_000))
    }

    @Test func `each recorded answer becomes the documented JWK, or is refused`() throws {
        for entry in vector["cases"]?.array ?? [] {
            let name = entry["name"]?.string ?? ""
            if let expected = entry["expect"], expected != .null {
                #expect(try ReleasedJWK.json(try released(entry)) == expected, "\(name)")
            } else {
                let refusal = #expect(throws: Refusal.self, "\(name)") { try released(entry) }
                #expect(refusal?.code == .endorsementInvalid, "\(name)")
            }
        }
    }

    @Test("AC-050 an answer whose certificate is for another host is refused")
    func otherHost() throws {
        let entry = try #require(vector["cases"]?.array?.first)
        for host in ["other.cloister.invalid", "cloister.invalid", "a.vault.cloister.invalid", "127.0.0.1"] {
            let refusal = #expect(throws: Refusal.self) { try released(entry, host: host) }
            #expect(refusal?.code == .endorsementInvalid)
        }
        #expect(try released(entry, host: "VAULT.cloister.invalid").kty == "oct-HSM")
    }
}
