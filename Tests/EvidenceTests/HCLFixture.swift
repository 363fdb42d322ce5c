import Crypto
import CryptoExtras
import Encoding

@testable import Evidence

/// A made-up Azure confidential VM: an SNP platform, the paravisor's report on it, and a virtual TPM.
struct HCLFixture: Sendable {
    var snp = SNPFixture()
    var tpm: TPMFixture
    /// The runtime data that the report carries, and that its hardware report binds; alike unless one is set.
    var runtimeData: String?
    var boundData: String?
    var userData = String(repeating: "0", count: 128)
    var secureBoot = true
    var reportType: UInt32 = 2
    var hashType: UInt32 = 1
    var padding = 100
    var hasCertificates = false
    /// What stands in the area of the hardware's report; the SNP report when nil.
    var hardwareArea: [UInt8]?
    var tdQuote: [UInt8]?
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
        report += Self.little(UInt32(20 + data.count), 1, reportType, hashType, UInt32(data.count)) + data
        report += Array(repeating: 0, count: padding)
        change(&report)
        return report
    }

    struct Built: Sendable {
        var evidence: HCLEvidence
        var collateral: SNPCollateral
        var anchors: TrustAnchors

        func verdict(
            at time: Timestamp = SNPFixture.time, policy: AcceptancePolicy = .default,
            nonce: [UInt8]? = Array("challenge".utf8)
        ) -> Verdict {
            EvidenceVerifier(anchors: anchors).verify(
                evidence.json.canonical, tee: .hcl, collateral: .snp(collateral), at: time, policy: policy,
                reportData: nonce)
        }
    }

    func built() throws -> Built {
        var snp = snp
        let bound = Self.digest(try boundData ?? runtimeData ?? standardRuntimeData(), hashType)
        let reportData = SNPReport.Layout.reportData
        snp.report.replaceSubrange(
            reportData..<reportData + 64, with: bound + Array(repeating: 0, count: 64 - bound.count))
        let hardware = try snp.built()
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
        let evidence = HCLEvidence(
            report: try report(hardwareArea ?? hardware.report),
            quote: HCLQuote(message: message, signature: signature, pcrs: registers.map(\.value)), tdQuote: tdQuote,
            attestationKeyCertificates: certificates, eventLog: tpm.log?.bytes)
        let root = try Certificate(der: tpm.root.selfSigned())
        return Built(
            evidence: evidence, collateral: hardware.collateral,
            anchors: hardware.anchors.trusting(root, as: .azureVTPM, grade: .hardware))
    }
}
