import Crypto
import Encoding
import Evidence

/// A made-up NVIDIA device with its chain, and a member to break each part of its report.
struct NVIDIAFixture: Sendable {
    static let time = Timestamp(seconds: 1_750_000_000)
    static let firmwareID = [UInt8](repeating: 0xf1, count: 48)

    /// Leaf, then issuers, root last.
    var certificates: [TestCertificate]
    /// Whom the leaf names as its issuer; nil names the one whose key signs it.
    var leafIssuer: String?
    /// The leaf's firmware id, and how it is written.
    var certifiedFirmwareID: [UInt8]? = NVIDIAFixture.firmwareID
    var writesTCBInfo = false

    var request: [UInt8] = [0x11, 0xe0, 0x01, 0xff] + Array(repeating: 0xda, count: 32) + [0]
    var responseHead: [UInt8] = [0x11, 0x60, 0, 0]
    /// Index, specification, type, value, each once.
    var measurements: [(UInt8, UInt8, UInt8, [UInt8])] = (1...4).map {
        ($0, 1, 1, Array(repeating: 0xa0 + $0, count: 48))
    }
    var measurementCount: UInt8 = 4
    /// Added to the sizes as they are written.
    var sizeError = 0
    var recordSizeError = 0
    var opaqueHead: [UInt8] = []
    var fields: [(UInt16, [UInt8])] = [
        (6, [0x00, 0xa5, 0x00, 0x96, 0x01, 0, 0, 0]), (3, Array("590.12\0".utf8)), (20, NVIDIAFixture.firmwareID),
        (99, []),
    ]
    var tail: [UInt8] = []
    var signsWith: TestKey?
    var changeSignature: @Sendable (P384.Signing.ECDSASignature) -> [UInt8] = { Array($0.rawRepresentation) }
    var changeChain: @Sendable ([[UInt8]]) -> [[UInt8]] = { $0 }

    init(rootName: String = "Test Device Identity CA", keys: TestKeys = .new) {
        certificates = [.leaf("GH100 A01 GSP FMC LF", keys.p384("GPU"), serial: 9)]
        for (index, name) in ["GH100 A01 GSP BROM", "Provisioner ICA 1", "GH100 Identity"].enumerated() {
            var authority = TestCertificate.issuer(name, keys.p384(name), serial: index + 2)
            authority.pathLength = nil
            certificates.append(authority)
        }
        certificates.append(.root(rootName, keys.p384(rootName)))
        // NVIDIA's certificates end with the calendar.
        if let end = Timestamp(year: 9999, month: 12, day: 31, hour: 23, minute: 59, second: 59) {
            for index in certificates.indices { certificates[index].notAfter = end }
        }
    }

    struct Built: Sendable {
        var report: [UInt8]
        var chain: [UInt8]
        var root: Certificate

        var anchors: TrustAnchors { TrustAnchors.vendors.trusting(root, as: .nvidia, grade: .hardware) }
        var evidence: [UInt8] { NVIDIAEvidence(report: report, certificateChain: chain).json.canonical }

        func verdict(
            at time: Timestamp = NVIDIAFixture.time, policy: AcceptancePolicy = .default, reportData: [UInt8]? = nil
        ) -> Verdict {
            EvidenceVerifier(anchors: anchors).verify(
                evidence, tee: .nvidia, collateral: nil, at: time, policy: policy, reportData: reportData)
        }
    }

    func built() throws -> Built {
        var ders: [[UInt8]] = []
        for (index, certificate) in certificates.enumerated() {
            let issuer = certificates[min(index + 1, certificates.count - 1)]
            var certificate = certificate
            if index == 0, let certifiedFirmwareID { certificate.extensions.append(dice(certifiedFirmwareID)) }
            let name = index == 0 ? leafIssuer ?? issuer.subject : issuer.subject
            ders.append(try certificate.der(issuer: name, signedBy: issuer.key))
        }
        let signed = report
        let raw = try (signsWith ?? certificates[0].key).signRaw(signed)
        let signature = changeSignature(try P384.Signing.ECDSASignature(rawRepresentation: raw))
        let chain = changeChain(ders).map { PEM.encode($0, label: "CERTIFICATE") }.joined()
        return Built(
            report: signed + signature + tail, chain: Array(chain.utf8),
            root: try Certificate(der: ders[ders.count - 1]))
    }

    private var report: [UInt8] {
        var record: [UInt8] = []
        for (index, specification, type, value) in measurements {
            record += [index, specification]
            record.appendLittleEndian(UInt16(value.count + 3 + sizeError))
            record.append(type)
            record.appendLittleEndian(UInt16(value.count))
            record += value
        }
        var opaque = opaqueHead
        for (type, value) in fields {
            opaque.appendLittleEndian(type)
            if !opaqueHead.isEmpty { opaque += [2, 0] }
            opaque.appendLittleEndian(UInt16(value.count))
            opaque += value
        }
        let recordSize = record.count + recordSizeError
        var report = request + responseHead + [measurementCount]
        report += [UInt8(recordSize & 0xff), UInt8(recordSize >> 8), 0] + record + Array(repeating: 0xdd, count: 32)
        report.appendLittleEndian(UInt16(opaque.count))
        return report + opaque
    }

    private func dice(_ id: [UInt8]) -> (id: String, critical: Bool, value: [UInt8]) {
        let digest = TestDER.sequence(TestDER.oid("2.16.840.1.101.3.4.2.2"), TestDER.octets(id))
        if writesTCBInfo {
            let other = TestDER.sequence(
                TestDER.oid("2.16.840.1.101.3.4.2.2"), TestDER.octets(Array(repeating: 0, count: 48)))
            return (
                "2.23.133.5.4.1.1", false,
                TestDER.sequence(TestDER.value(0x80, Array("NVIDIA".utf8)), TestDER.explicit(6, digest + other))
            )
        }
        return (
            "2.23.133.5.4.1", false,
            TestDER.sequence(TestDER.integer(1), certificates[0].key.subjectPublicKeyInfo, digest)
        )
    }
}
