import Crypto
import CryptoExtras
import Encoding
import Testing

@testable import EvidenceForge

@Suite("Signatures of the forge are right, and the same every time")
struct SigningTests {
    private func bytes(_ hex: String) throws -> [UInt8] { try #require(Hex.decode(hex)) }

    @Test(
        "the P-256 signatures of RFC 6979 appendix A.2.5",
        arguments: [
            (
                "sample", "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
                "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
            ),
            (
                "test", "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
                "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"
            ),
        ])
    func p256(_ message: String, _ r: String, _ s: String) throws {
        let scalar = try bytes("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")
        let key = SigningKey(.p256(try .init(rawRepresentation: scalar)), memory: KeyMemory())
        #expect(try Hex.encode(key.rawSignature(over: Array(message.utf8))) == r + s)
    }

    @Test("the P-384 signature of RFC 6979 appendix A.2.6")
    func p384() throws {
        let scalar = try bytes(
            "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5")
        let key = SigningKey(.p384(try .init(rawRepresentation: scalar)), memory: KeyMemory())
        #expect(
            try Hex.encode(key.rawSignature(over: Array("sample".utf8)))
                == "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c"
                + "81a648152e44acf96e36dd1e80fabe46"
                + "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94f"
                + "a329c145786e679e7b82c71a38628ac8")
    }

    @Test func `the crypto library accepts what the forge signs, of every kind of key`() throws {
        let ring = try KeyRing.forged(seed: "signing")
        for number in UInt8(0)..<40 {
            let message = [UInt8](repeating: number, count: Int(number))
            let (first, second) = (try ring.p256("key \(number)"), try ring.p384("key \(number)"))
            guard case .p256(let p256) = first.kind, case .p384(let p384) = second.kind else {
                throw Refusal(.keyInvalid, "another kind of key")
            }
            #expect(
                p256.publicKey.isValidSignature(
                    try .init(rawRepresentation: first.rawSignature(over: message)), for: message))
            #expect(
                p384.publicKey.isValidSignature(
                    try .init(rawRepresentation: second.rawSignature(over: message)), for: message))
        }
        let message = Array("a certificate".utf8)
        for name in KeyRing.RSAName.allCases {
            let key = try ring.rsa(name)
            let pss = try ring.pss(name).rawSignature(over: message)
            #expect(try pss == ring.pss(name).rawSignature(over: message))
            // Of another memory, which has to make it again; and of none, which lets the library choose the salt.
            #expect(try pss == SigningKey(.pss(key), memory: KeyMemory()).rawSignature(over: message))
            let fresh = try SigningKey(.pss(key)).rawSignature(over: message)
            #expect(fresh != pss)
            for signature in [pss, fresh] {
                #expect(
                    key.publicKey.isValidSignature(
                        .init(rawRepresentation: signature), for: SHA384.hash(data: message), padding: .PSS))
            }
            let pkcs1 = try ring.pkcs1(name).rawSignature(over: message)
            #expect(
                key.publicKey.isValidSignature(
                    .init(rawRepresentation: pkcs1), for: SHA256.hash(data: message), padding: .insecurePKCS1v1_5))
            #expect(key.keySizeInBits == name.bits)
        }
    }

    @Test func `keys and bytes depend on the seed, on their name, and on nothing else`() throws {
        let one = try KeyRing.forged(seed: "one")
        let again = try KeyRing.forged(seed: "one")
        let other = try KeyRing.forged(seed: "other")
        let stranger = try KeyRing.forged(seed: "one", isStranger: true)
        #expect(try one.p256("a").point == again.p256("a").point)
        #expect(one.bytes("a", 5_000) == again.bytes("a", 5_000))
        let points = try [
            one.p256("a").point, one.p256("b").point, other.p256("a").point, stranger.p256("a").point,
        ]
        #expect(Set(points).count == 4)
        for name in KeyRing.RSAName.allCases {
            #expect(try one.rsa(name).derRepresentation == other.rsa(name).derRepresentation)
            #expect(try one.rsa(name).derRepresentation != stranger.rsa(name).derRepresentation)
            #expect(try one.rsa(name).keySizeInBits == stranger.rsa(name).keySizeInBits)
        }
    }
}
