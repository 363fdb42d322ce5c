import Crypto
import CryptoExtras
import Encoding

@testable import Evidence

/// A made-up Azure confidential VM: an SNP platform, the paravisor's report on it, and a virtual TPM.
struct HCLFixture: Sendable {
    var snp = SNPFixture()
    /// The trust domain to use instead of the SNP guest.
    var tdx: TDXFixture?
    var tpm: TPMFixture
    /// The runtime data that the report carries, and that its hardware report binds; alike unless one is set.
    var runtimeData: String?
    var boundData: String?
    var userData = String(repeating: "0", count: 128)
    var secureBoot = true
    /// SNP or TDX, by what is there, when nil.
    var reportType: UInt32?
    var hashType: UInt32 = 1
    var padding = 100
    var hasCertificates = false
    /// What stands in the area of the hardware's report, when it is not that report.
    var hardwareArea: [UInt8]?
    /// Changes the TDREPORT, and evidence that is finished.
    var changeLocal: @Sendable (inout [UInt8]) -> Void = { _ in }
    var changeEvidence: @Sendable (inout HCLEvidence) -> Void = { _ in }
    /// Changes the finished report.
    var change: @Sendable (inout [UInt8]) -> Void = { _ in }

    init() throws {
        tpm = try TPMFixture()
    }

    func standardRuntimeData(key: TPMTestKey? = nil) throws -> String {
        guard case .rsassa(let rsa) = key ?? tpm.key else { return "{}" }
        let modulus = Base64.encodeURL(try rsa.publicKey.getKeyPrimitives().modulus)
        return """
            {"keys":[{"kid":"HCLAkPub","key_ops":["sign"],"kty":"RSA","e":"AQAB","n":"\(modulus)"},{"kid":"HCLEkPub"}],\
            "vm-configuration":{"console-enabled":true,"secure-boot":\(secureBoot),"tpm-enabled":true},\
            "user-data":"\(userData)"}
            """
    }

    static func digest(_ data: String, _ type: UInt32) -> [UInt8] {
        let data = Array(data.utf8)
        return switch type {
        case 2: Array(SHA384.hash(data: data))
        case 3: Array(SHA512.hash(data: data))
        default: Array(SHA256.hash(data: data))
        }
    }

    private static func little(_ numbers: UInt32...) -> [UInt8] {
        var bytes: [UInt8] = []
        for number in numbers { bytes.appendLittleEndian(number) }
        return bytes
    }

    /// An HCL report around the bytes of a hardware report.
    func report(_ hardware: [UInt8]) throws -> [UInt8] {
        let data = Array(try (runtimeData ?? standardRuntimeData()).utf8)
        var report = Array("HCLA".utf8) + Self.little(2, UInt32(1_236 + data.count), 2, 0, 0, 0, 0)
        report += hardware + Array(repeating: 0, count: 1_184 - hardware.count)
        report +=
            Self.little(
                UInt32(20 + data.count), 1, reportType ?? (tdx == nil ? 2 : 4), hashType, UInt32(data.count)) + data
        report += Array(repeating: 0, count: padding)
        change(&report)
        return report
    }

    struct Built: Sendable {
        var evidence: HCLEvidence
        var collateral: EvidenceCollateral?
        var anchors: TrustAnchors

        func verdict(
            at time: Timestamp = SNPFixture.time, policy: AcceptancePolicy = .default,
            nonce: [UInt8]? = Array("challenge".utf8)
        ) -> Verdict {
            EvidenceVerifier(anchors: anchors).verify(
                evidence.json.canonical, tee: .hcl, collateral: collateral, at: time, policy: policy,
                reportData: nonce)
        }
    }

    /// What the hardware says: its report, the TD quote where there is one, collateral and roots.
    private struct Platform {
        var report: [UInt8]
        var tdQuote: [UInt8]?
        var collateral: EvidenceCollateral
        var anchors: TrustAnchors
    }

    private func platform(reportData: [UInt8]) throws -> Platform {
        guard var tdx else {
            var snp = snp
            let offset = SNPReport.Layout.reportData
            snp.report.replaceSubrange(offset..<offset + 64, with: reportData)
            let built = try snp.built()
            return Platform(report: built.report, collateral: .snp(built.collateral), anchors: built.anchors)
        }
        tdx.put(reportData, at: TDReport.Layout.reportData)
        let built = try tdx.built()
        var local = [UInt8](repeating: 0, count: 1_024)
        local[0] = 0x81
        local.replaceSubrange(128..<192, with: reportData)
        let mrTD = TDReport.Layout.mrTD
        local.replaceSubrange(528..<576, with: tdx.body[mrTD..<mrTD + 48])
        changeLocal(&local)
        return Platform(
            report: local, tdQuote: built.quote, collateral: .dcap(built.collateral), anchors: built.anchors)
    }

    func built() throws -> Built {
        let bound = Self.digest(try boundData ?? runtimeData ?? standardRuntimeData(), hashType)
        let platform = try platform(reportData: bound + Array(repeating: 0, count: 64 - bound.count))
        let message = tpm.message()
        let signature = try (tpm.signsWith ?? tpm.key).numbers(over: message)[0]
        let registers = (tpm.supplied ?? tpm.registers).filter { $0.key.bank == .sha256 }.sorted { $0.key < $1.key }
        var certificates: [[UInt8]] = []
        if hasCertificates {
            certificates = [
                try tpm.leaf.der(issuer: tpm.issuer.subject, signedBy: tpm.issuerKey)
                    + Array(repeating: 0, count: tpm.paddedLeafBytes),
                try tpm.issuer.der(issuer: tpm.root.subject, signedBy: tpm.rootKey), try tpm.root.selfSigned(),
            ]
        }
        var evidence = HCLEvidence(
            report: try report(hardwareArea ?? platform.report),
            quote: HCLQuote(message: message, signature: signature, pcrs: registers.map(\.value)),
            tdQuote: platform.tdQuote, attestationKeyCertificates: certificates, eventLog: tpm.log?.bytes)
        changeEvidence(&evidence)
        let root = try Certificate(der: tpm.root.selfSigned())
        return Built(
            evidence: evidence, collateral: platform.collateral,
            anchors: platform.anchors.trusting(root, as: .azureVTPM, grade: .hardware))
    }
}
