import Crypto
import Encoding
import Evidence

/// A made-up SNP platform with everything that evidence of it needs, and a member to break each part of it.
struct SNPFixture: Sendable {
    static let time = Timestamp(seconds: 1_750_000_000)

    let rootKey: TestKey
    let authorityKey: TestKey
    let chipKey: TestKey

    var product = SNPProduct.genoa
    var kind = SNPReport.SigningKey.vcek
    var root: TestCertificate
    var authority: TestCertificate
    var leaf: TestCertificate
    var list: TestRevocationList?
    var certificateTCB = SNPTCBVersion(bootLoader: 9, tee: 0, snp: 23, microcode: 72)
    /// Product by name, and hardware id, in the certificate.
    var productName = "Genoa"
    var hardwareID: [UInt8]? = [UInt8](1...64)
    var cloudProvider: String?
    var report: [UInt8]
    var signsReportWith: TestKey?

    init(
        product: SNPProduct = .genoa, kind: SNPReport.SigningKey = .vcek, rootName: String = "ARK-Test",
        keys: TestKeys = .new
    ) {
        rootKey = keys.p384("ARK")
        authorityKey = keys.p384("ASK")
        chipKey = keys.p384("VEK")
        self.product = product
        self.kind = kind
        productName = product.rawValue
        root = .root(rootName, rootKey)
        authority = .issuer((kind == .vlek ? "SEV-VLEK-" : "SEV-") + product.rawValue, authorityKey)
        authority.keyUsage = TestCertificate.certSign
        leaf = TestCertificate(subject: kind == .vlek ? "SEV-VLEK" : "SEV-VCEK", key: chipKey, serial: 0)
        if product == .turin {
            hardwareID = [UInt8](1...8)
            certificateTCB.fmc = 1
        }
        if kind == .vlek {
            hardwareID = nil
            cloudProvider = "CN=cloud.example"
        }
        report = SNPFixture.report(product, kind, certificateTCB, chipID: hardwareID ?? [])
    }

    static func report(
        _ product: SNPProduct, _ kind: SNPReport.SigningKey, _ tcb: SNPTCBVersion, chipID: [UInt8]
    ) -> [UInt8] {
        typealias Layout = SNPReport.Layout
        var report = [UInt8](repeating: 0, count: Layout.byteCount)
        report[Layout.version] = 3
        report[Layout.policy + 2] = 0x03
        report[Layout.signatureAlgorithm] = 1
        report[Layout.platformInfo] = 0x25
        report[Layout.keyInfo] = UInt8(kind.rawValue << 2)
        for offset in [Layout.currentTCB, Layout.reportedTCB, Layout.committedTCB, Layout.launchTCB] {
            report.replaceSubrange(offset..<offset + 8, with: tcb.bytes(product: product))
        }
        report[Layout.cpuid] = product.cpuid.family
        report[Layout.cpuid + 1] = product.cpuid.model
        report[Layout.cpuid + 2] = product.cpuid.stepping
        report.replaceSubrange(Layout.chipID..<Layout.chipID + chipID.count, with: chipID)
        report.replaceSubrange(Layout.measurement..<Layout.measurement + 48, with: Array(repeating: 0xc1, count: 48))
        report.replaceSubrange(Layout.hostData..<Layout.hostData + 32, with: Array(repeating: 0x4d, count: 32))
        report.replaceSubrange(Layout.reportData..<Layout.reportData + 32, with: Array(repeating: 0xda, count: 32))
        return report
    }

    struct Built: Sendable {
        var report: [UInt8]
        var collateral: SNPCollateral
        var root: Certificate
        var product: SNPProduct

        var anchors: TrustAnchors { TrustAnchors.vendors.trusting(root, as: .ark(product), grade: .hardware) }

        func verdict(
            at time: Timestamp = SNPFixture.time, policy: AcceptancePolicy = .default, reportData: [UInt8]? = nil
        ) -> Verdict {
            EvidenceVerifier(anchors: anchors).verify(
                report, tee: .snp, collateral: .snp(collateral), at: time, policy: policy, reportData: reportData)
        }
    }

    func built() throws -> Built {
        let rootDER = try root.selfSigned()
        let authorityDER = try authority.der(issuer: root.subject, signedBy: rootKey)
        var leaf = leaf
        leaf.extensions += endorsementExtensions
        let leafDER = try leaf.der(issuer: authority.subject, signedBy: authorityKey)
        var signed = report
        let signature = try (signsReportWith ?? chipKey).signRaw(Array(report.prefix(0x2a0)))
        signed.replaceSubrange(0x2a0..<0x2a0 + 48, with: signature.prefix(48).reversed())
        signed.replaceSubrange(0x2e8..<0x2e8 + 48, with: signature.dropFirst(48).reversed())
        return Built(
            report: signed,
            collateral: SNPCollateral(
                vek: TestPEM.chain(leafDER), chain: TestPEM.chain(authorityDER, rootDER), crl: try list?.der()),
            root: try Certificate(der: rootDER), product: product)
    }

    private var endorsementExtensions: [(id: String, critical: Bool, value: [UInt8])] {
        let id = "1.3.6.1.4.1.3704.1."
        var all: [(id: String, critical: Bool, value: [UInt8])] = [
            (id + "1", false, TestDER.integer(product == .turin ? 1 : 0)), (id + "2", false, TestDER.ia5(productName)),
            (id + "3.1", false, TestDER.integer(Int(certificateTCB.bootLoader))),
            (id + "3.2", false, TestDER.integer(Int(certificateTCB.tee))),
            (id + "3.3", false, TestDER.integer(Int(certificateTCB.snp))),
            (id + "3.8", false, TestDER.integer(Int(certificateTCB.microcode))),
        ]
        if product == .turin { all.append((id + "3.9", false, TestDER.integer(Int(certificateTCB.fmc)))) }
        if let hardwareID { all.append((id + "4", false, hardwareID)) }
        if let cloudProvider { all.append((id + "5", false, TestDER.ia5(cloudProvider))) }
        return all
    }
}
