import Crypto
import CryptoExtras
import Encoding
import Evidence
import Testing

/// Endorsements of utility VMs by a signer of the test's own; recorded ones are in the service's tests.
@Suite struct UVMEndorsementTests {
    static let begins = Timestamp(seconds: 1_750_000_000)
    static let ends = begins + 365 * 86_400

    let leaf: [UInt8]
    let root: [UInt8]
    private let key: TestKey

    init() throws {
        key = .rsa(try _RSA.Signing.PrivateKey(keySize: .bits2048))
        let rootKey = TestKey.newP256()
        var certificate = TestCertificate.leaf("signer", key)
        certificate.notBefore = Self.begins
        certificate.notAfter = Self.ends
        certificate.extensions = [("2.5.29.37", false, TestDER.sequence(TestDER.oid("1.3.6.1.4.1.311.76.59.1.2")))]
        leaf = try certificate.der(issuer: "root", signedBy: rootKey)
        root = try TestCertificate.root("root", rootKey).selfSigned()
    }

    private func message(signedAt time: Timestamp?) throws -> [UInt8] {
        let issuer = "did:x509:0:sha256:\(Base64.encodeURL(SHA256.hash(data: root)))::eku:1.3.6.1.4.1.311.76.59.1.2"
        var header: [(TestCBOR, TestCBOR)] = [
            // −38: RSASSA-PSS with SHA-384.
            (.unsigned(1), .negative(37)), (.unsigned(33), .array([.bytes(leaf), .bytes(root)])),
            (.text("iss"), .text(issuer)), (.text("feed"), .text("ContainerPlat-AMD-UVM")),
        ]
        if let time { header.append((.text("signingtime"), .tag(1, .unsigned(UInt64(time.seconds))))) }
        let statement: JSON = [
            "x-ms-sevsnpvm-guestsvn": "100",
            "x-ms-sevsnpvm-launchmeasurement": .string(String(repeating: "ab", count: 48)),
        ]
        let (protected, payload) = (TestCBOR.bytes(TestCBOR.map(header).encoded), TestCBOR.bytes(statement.canonical))
        let signed = TestCBOR.array([.text("Signature1"), protected, .bytes([]), payload]).encoded
        return TestCBOR.tag(18, .array([protected, .map([]), payload, .bytes(try key.sign(signed))])).encoded
    }

    @Test("AC-013 the certificates of an endorsement are marks by which it can be distrusted")
    func marks() throws {
        let endorsement = try UVMEndorsement(cose: message(signedAt: Self.begins), at: Self.begins)
        #expect(endorsement.securityVersion == 100)
        #expect(
            try endorsement.marks
                == [leaf, root].map { try EvidenceMark(.certificate, Hex.encode(SHA256.hash(data: $0))) })
    }

    @Test func `the time of the signature counts, and the present one where the message states none`() throws {
        let later = Self.ends + 86_400
        #expect(throws: Never.self) { try UVMEndorsement(cose: message(signedAt: Self.ends), at: later) }
        #expect(throws: Never.self) { try UVMEndorsement(cose: message(signedAt: nil), at: Self.ends) }
        for (signed, now) in [(later, Self.ends), (Self.begins - 1, Self.ends), (nil, later), (nil, Self.begins - 1)] {
            let refusal = #expect(throws: Refusal.self) { try UVMEndorsement(cose: message(signedAt: signed), at: now) }
            #expect(refusal?.code == .evidenceChain)
        }
    }
}
