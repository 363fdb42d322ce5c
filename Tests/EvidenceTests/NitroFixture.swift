import Crypto
import Encoding
import Evidence

/// A made-up Nitro enclave with its chain, and a member to break each part of its document.
struct NitroFixture: Sendable {
    static let time = Timestamp(seconds: 1_750_000_060)

    /// Root, region, zone, instance.
    var authorities: [TestCertificate]
    var leaf: TestCertificate
    /// Whom the leaf names as its issuer; nil names the one whose key signs it.
    var leafIssuer: String?

    var moduleID = TestCBOR.text("i-0123456789abcdef0-enc0123456789abcdef")
    var digest = TestCBOR.text("SHA384")
    var timestamp = TestCBOR.unsigned(1_750_000_000_215)
    var pcrs: [(TestCBOR, TestCBOR)]
    var publicKey = TestCBOR.null
    var userData = TestCBOR.bytes([1, 2, 3])
    var nonce = TestCBOR.bytes(Array(repeating: 0xda, count: 32))
    /// Changes to the DER certificates, root first, and to the payload's members, before the document is signed.
    var changeBundle: @Sendable ([[UInt8]]) -> TestCBOR = { .array($0.map(TestCBOR.bytes)) }
    var changeCertificate: @Sendable ([UInt8]) -> TestCBOR = TestCBOR.bytes
    var changeMembers: @Sendable (inout [(TestCBOR, TestCBOR)]) -> Void = { _ in }
    var encodesMembers: @Sendable ([(TestCBOR, TestCBOR)]) -> TestCBOR = TestCBOR.map
    /// The message around it.
    var protected: [UInt8] = [0xa1, 0x01, 0x38, 0x22]
    var unprotected = TestCBOR.map([])
    var signsWith: TestKey?
    var changeSignature: @Sendable (P384.Signing.ECDSASignature) -> TestCBOR = { .bytes(Array($0.rawRepresentation)) }
    var encodesMessage: @Sendable ([TestCBOR]) -> TestCBOR = TestCBOR.array

    init(rootName: String = "aws.nitro-enclaves.example", keys: TestKeys = .new) {
        authorities = [.root(rootName, keys.p384("Nitro root"))]
        for (index, name) in ["region", "zone", "instance"].enumerated() {
            var authority = TestCertificate.issuer("\(name).\(rootName)", keys.p384("Nitro \(name)"), serial: index + 2)
            authority.pathLength = 2 - index
            authorities.append(authority)
        }
        leaf = .leaf("enclave.\(rootName)", keys.p384("Nitro enclave"), serial: 9)
        leaf.notBefore = Timestamp(seconds: 1_749_999_990)
        leaf.notAfter = leaf.notBefore + 10_800
        pcrs = (0..<16).map { index in
            (.unsigned(index), .bytes(Array(repeating: index < 3 ? 0xc1 + UInt8(index) : 0, count: 48)))
        }
    }

    struct Built: Sendable {
        var document: [UInt8]
        var root: Certificate

        var anchors: TrustAnchors { TrustAnchors.vendors.trusting(root, as: .nitro, grade: .hardware) }

        func verdict(
            at time: Timestamp = NitroFixture.time, policy: AcceptancePolicy = .default, reportData: [UInt8]? = nil
        ) -> Verdict {
            EvidenceVerifier(anchors: anchors).verify(
                document, tee: .nitro, collateral: nil, at: time, policy: policy, reportData: reportData)
        }
    }

    /// The certificates, root first, and the leaf.
    func certificates() throws -> (bundle: [[UInt8]], leaf: [UInt8]) {
        var bundle: [[UInt8]] = []
        for (index, authority) in authorities.enumerated() {
            let issuer = authorities[max(0, index - 1)]
            bundle.append(try authority.der(issuer: issuer.subject, signedBy: issuer.key))
        }
        let issuer = authorities[authorities.count - 1]
        return (bundle, try leaf.der(issuer: leafIssuer ?? issuer.subject, signedBy: issuer.key))
    }

    func built() throws -> Built {
        let (bundle, leafDER) = try certificates()
        return Built(
            document: try message(payload(bundle, leafDER)).encoded, root: try Certificate(der: bundle[0]))
    }

    /// What is signed.
    func payload(_ bundle: [[UInt8]], _ leafDER: [UInt8]) -> [UInt8] {
        var members: [(TestCBOR, TestCBOR)] = [
            (.text("module_id"), moduleID), (.text("digest"), digest), (.text("timestamp"), timestamp),
            (.text("pcrs"), .map(pcrs)), (.text("certificate"), changeCertificate(leafDER)),
            (.text("cabundle"), changeBundle(bundle)), (.text("public_key"), publicKey),
            (.text("user_data"), userData), (.text("nonce"), nonce),
        ]
        changeMembers(&members)
        return encodesMembers(members).encoded
    }

    /// A signed message around any payload.
    func message(_ payload: [UInt8]) throws -> TestCBOR {
        let signed = TestCBOR.array([.text("Signature1"), .bytes(protected), .bytes([]), .bytes(payload)])
        let raw = try (signsWith ?? leaf.key).signRaw(signed.encoded)
        let signature = try P384.Signing.ECDSASignature(rawRepresentation: raw)
        return encodesMessage([.bytes(protected), unprotected, .bytes(payload), changeSignature(signature)])
    }
}
