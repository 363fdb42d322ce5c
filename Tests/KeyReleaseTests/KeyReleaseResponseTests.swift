import CryptoExtras
import Encoding
import Evidence
import Foundation
import TestSupport
import Testing

@testable import KeyRelease

/// Against answers of a release call that were made elsewhere: two good, two that must be refused.
@Suite(.enabled(if: Vectors.available, "needs the folder of vectors")) struct KeyReleaseResponseTests {
    let wrappingKey: _RSA.Encryption.PrivateKey
    let pin: Encoding.Digest
    let cases: [String: JSON]
    let kid = "https://vault.cloister.invalid/keys/k/0123"
    let time = Timestamp(seconds: 1_795_300_000)

    init() throws {
        let vector = try JSON.parse(try Vectors.bytes("skr/key-release.json"))
        let der = try #require(vector["wrapping_key_pkcs8_der_base64"]?.string.flatMap { Base64.decode($0, .lenient) })
        wrappingKey = try _RSA.Encryption.PrivateKey(derRepresentation: der)
        let root = try #require(vector["trusted_root_pem"]?.string)
        pin = try #require(try Certificate.chain(pem: root).first).pin
        cases = Dictionary(
            uniqueKeysWithValues: (vector["cases"]?.array ?? []).compactMap { entry in
                entry["name"]?.string.map { ($0, entry) }
            })
    }

    func open(
        _ name: String, enc: String = "RSA_AES_KEY_WRAP_256", nonce: String? = nil, kid: String? = nil,
        pins: [Encoding.Digest]? = nil, key: _RSA.Encryption.PrivateKey? = nil, at moment: Timestamp? = nil,
        host: String? = nil,
        change: (String) -> String = { $0 }
    ) throws(Refusal) -> KeyReleaseResponse {
        let jws = cases[name]?["http_body"]?["value"]?.string ?? ""
        return try KeyReleaseResponse.open(
            jws: change(jws), trust: ReleaseTrust(pins: pins ?? [pin], host: host), kid: kid ?? self.kid, enc: enc,
            nonce: nonce,
            wrappingKey: key ?? wrappingKey, at: moment ?? time)
    }

    @Test func `a symmetric key opens`() throws {
        let response = try open("oct-ckm", enc: "CKM_RSA_AES_KEY_WRAP")
        #expect(response.keyID == kid)
        #expect(response.kty == "oct-HSM")
        let material = response.material.withBytes { $0 }
        #expect(Base64.encodeURL(material) == cases["oct-ckm"]?["expect"]?["k"]?.string)
    }

    @Test func `an RSA key opens as PKCS 8`() throws {
        let material = try open("rsa-256").material.withBytes { $0 }
        let key = try _RSA.Signing.PrivateKey(derRepresentation: material)
        let modulus = Array(try key.publicKey.getKeyPrimitives().modulus.drop { $0 == 0 })
        #expect(Base64.encodeURL(modulus) == cases["rsa-256"]?["expect"]?["n"]?.string)
    }

    @Test func `a wrong signature and a root that is not pinned are refused`() throws {
        for name in ["bad-signature", "other-root"] {
            let refusal = #expect(throws: Refusal.self) { try open(name) }
            #expect(refusal?.code == .endorsementInvalid, "\(name)")
        }
        for pins in [[], [Encoding.Digest(of: "other")]] {
            let refusal = #expect(throws: Refusal.self) { try open("rsa-256", pins: pins) }
            #expect(refusal?.code == .endorsementInvalid)
        }
    }

    @Test("AC-069 an answer to another request, or about another key, is refused")
    func otherRequests() throws {
        func require(_ outcome: Result<KeyReleaseResponse, any Error>) {
            #expect(throws: Refusal.self) { try outcome.get() }
            if case .failure(let error) = outcome { #expect((error as? Refusal)?.code == .bindingMismatch) }
        }
        require(Result { try open("rsa-256", nonce: "mine") })
        require(Result { try open("rsa-256", enc: "CKM_RSA_AES_KEY_WRAP") })
        require(Result { try open("rsa-256", kid: "https://vault.cloister.invalid/keys/other") })
        require(Result { try open("rsa-256", kid: "https://other.invalid/keys/k/0123") })
        require(Result { try open("rsa-256", kid: "https://vault.cloister.invalid/keys/k/012") })
    }

    @Test func `another wrapping key does not open the answer`() throws {
        let other = try _RSA.Encryption.PrivateKey(keySize: .bits2048)
        let refusal = #expect(throws: Refusal.self) { try open("rsa-256", key: other) }
        #expect(refusal?.code == .recordAuthentication)
    }

    @Test func `certificates that are not valid at the time are refused`() throws {
        for moment in [Timestamp(seconds: 1_600_000_000), Timestamp(seconds: 2_600_000_000)] {
            let refusal = #expect(throws: Refusal.self) { try open("rsa-256", at: moment) }
            #expect(refusal?.code == .endorsementInvalid)
        }
    }

    @Test func `a payload of another answer, another algorithm and no form at all are refused`() throws {
        let other = (cases["oct-ckm"]?["http_body"]?["value"]?.string ?? "").split(separator: ".").map(String.init)
        let swapped = #expect(throws: Refusal.self) {
            try open("rsa-256", enc: "CKM_RSA_AES_KEY_WRAP") { jws in
                let parts = jws.split(separator: ".")
                return "\(parts[0]).\(other[1]).\(parts[2])"
            }
        }
        #expect(swapped?.code == .endorsementInvalid)
        let algorithm = #expect(throws: Refusal.self) {
            try open("rsa-256") { jws in
                let parts = jws.split(separator: ".")
                let header = String(decoding: Base64.decode(parts[0]) ?? [], as: UTF8.self)
                return Base64.encodeURL(header.replacing("RS256", with: "none").utf8) + ".\(parts[1])."
            }
        }
        #expect(algorithm?.code == .tokenAlgorithm)
        for text in ["", "a.b", String(repeating: "a", count: 300_000)] {
            let refusal = #expect(throws: Refusal.self) { try open("rsa-256") { _ in text } }
            #expect(refusal?.code == .tokenMalformed)
        }
    }
}

/// Keys wrapped with RSA-OAEP and SHA-384, which Python's `cryptography` made for the wrapping key of the vectors.
@Suite(.enabled(if: Vectors.available, "needs the folder of vectors")) struct KeyWrapAlgorithmTests {
    static let ciphertext =
        "KZCDniYqzXBxmy0KSKjppDXJc9d/+5+W/7fyg5JcgypWXoF3gl6gyd/FaP0K/MleT6tUlRr+ZGG0/xCHc82xfWRX7w7uKYheBScahqv8"
        + "KqUq/Rt92F0DsoZtfZUXzy9Prw7mVWKtOAvoNv9fAV3E51Z9UR6jWVqEHHHZOlbKwI8CldMyjBu05qQvBws7hXgAfMl3kiAKAU3spP62"
        + "lQafb8VEQxAWA3rVxHGCxxVOG8gmCsq5d0BaEpN4V/K+/UxTdjSrJ/SfCzExiJ29NFPxfEAcvzp/fRLATfFuFpdEP/0ZSyHQoVNUsWn3"
        + "qW6cWg3cZlAiPDXC7mxhRGGBjLS31Q=="

    @Test func `a key wrapped with SHA-384 opens, and nothing else does`() throws {
        let vector = try JSON.parse(try Vectors.bytes("skr/key-release.json"))
        let der = try #require(vector["wrapping_key_pkcs8_der_base64"]?.string.flatMap { Base64.decode($0, .lenient) })
        let key = try _RSA.Encryption.PrivateKey(derRepresentation: der)
        let ciphertext = try #require(Base64.decode(Self.ciphertext, .lenient))
        let opened = KeyWrapAlgorithm.sha384.decrypt(ciphertext, with: key)?.withBytes { $0 }
        #expect(opened == (0..<32).map { UInt8($0) })
        #expect(KeyWrapAlgorithm.sha256.decrypt(ciphertext, with: key) == nil)
        for index in stride(from: 0, to: ciphertext.count, by: 37) {
            var changed = ciphertext
            changed[index] ^= 1
            #expect(KeyWrapAlgorithm.sha384.decrypt(changed, with: key) == nil)
        }
        for other in [
            [], [1], ciphertext + [0], [UInt8](repeating: 0xff, count: 256), [UInt8](repeating: 0, count: 256),
        ] {
            #expect(KeyWrapAlgorithm.sha384.decrypt(other, with: key) == nil)
        }
        let sha256 = Array(try key.publicKey.encrypt([1, 2, 3] as [UInt8], padding: .PKCS1_OAEP_SHA256))
        #expect(KeyWrapAlgorithm.sha384.decrypt(sha256, with: key) == nil)
    }
}
