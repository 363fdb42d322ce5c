import Encoding
import Evidence
import Foundation
import TestSupport
import Testing

/// One case of the vectors' `expected.json`, read by the rules of formats section 8.
struct VectorCase: Sendable, CustomTestStringConvertible {
    let id: String
    let tee: TEE
    let time: Timestamp
    let expect: String
    let advisories: [String]?
    private let json: JSON

    var testDescription: String { id }

    /// All cases of one kind of TEE; none where the vectors are absent.
    static func all(_ tee: TEE) -> [VectorCase] {
        guard let bytes = try? Vectors.bytes("expected.json"), let file = try? JSON.parse(bytes) else { return [] }
        return (file["cases"]?.array ?? []).compactMap { VectorCase($0) }.filter { $0.tee == tee }
    }

    static func named(_ id: String) throws -> VectorCase {
        try #require(TEE.allCases.lazy.flatMap(all).first { $0.id == id })
    }

    private init?(_ json: JSON) {
        guard let id = json["id"]?.string, let tee = json["tee"]?.string.flatMap(TEE.init(rawValue:)),
            let expect = json["expect"]?.string
        else { return nil }
        self.id = id
        self.tee = tee
        // Cases that hold at any time are judged at one; NVIDIA's certificates are younger.
        time = Timestamp(seconds: json["unix"]?.integer ?? (tee == .nvidia ? 1_767_225_600 : 1_738_168_015))
        self.expect = expect
        advisories = json["advisories_seen_by_dcap_qvl"]?.strings
        self.json = json
    }

    // MARK: What is expected

    /// "default policy must reject": genuine, refused for its attributes.
    var isGenuineButRefused: Bool { expect.contains("default policy must reject") || expect.contains("strict default") }
    var isDebuggable: Bool { expect.contains("DEBUG") }
    var isAccepted: Bool { !isGenuineButRefused && (expect.hasPrefix("valid") || expect.contains("chain valid")) }
    var tcbStatus: String? {
        expect.firstMatch(of: /TCB ([A-Z][A-Za-z]+)/).map { String($0.1) }.flatMap { TCBStatus(rawValue: $0)?.rawValue }
    }
    /// A root that makes the case valid; without it the case is refused.
    var trustedRoot: String? { json["files"]?["trusted_root"]?.string }

    /// What a TPM quote must carry.
    var nonce: [UInt8]? { json["nonce_hex"]?.string.flatMap { Hex.decode($0) } }

    /// A TPM quote in a file of its own.
    var tpmQuoteFile: String? { json["tpm_quote"]?.string }
    var hclHeaderVersion: UInt32? { json["hcl"]?["header_version"]?.integer.map { UInt32($0) } }

    // MARK: Files

    func evidence() throws -> [UInt8] {
        let bytes = try Vectors.bytes(try #require(json["evidence"]?.string))
        // Some Nitro documents are kept as base64 text, some NVIDIA reports as hex beside their chain.
        if tee == .nitro { return Base64.decode(ascii: bytes, .lenient) ?? bytes }
        if tee == .nvidia, let chain = json["chain"]?.string {
            let report = try #require(Hex.decode(String(decoding: bytes, as: UTF8.self)))
            return NVIDIAEvidence(report: report, certificateChain: try Vectors.bytes(chain)).json.canonical
        }
        return Array(bytes.dropFirst(Int(json["evidence_offset"]?.integer ?? 0)))
    }

    func collateral() throws -> EvidenceCollateral {
        if tee == .snp { return .snp(try snpCollateral()) }
        if let files = json["files"] { return .dcap(try VectorCase.dcapCollateral(files)) }
        let path = try #require(json["collateral"]?.string)
        return .dcap(try DCAPCollateral(json: try JSON.parse(try Vectors.bytes(path))))
    }

    private func snpCollateral() throws -> SNPCollateral {
        let endorsement = try Vectors.bytes(try #require(json["endorsement"]?.string))
        let text = String(decoding: endorsement, as: UTF8.self)
        // Some endorsement files are a whole chain; the endorsement key's certificate is its first.
        let leaf = text.contains("-----BEGIN") ? try Certificate.chain(pem: text)[0] : try Certificate(der: endorsement)
        let folder = try #require(json["collateral"]?.string)
        let names = try FileManager.default.contentsOfDirectory(atPath: Vectors.folder.appending(path: folder).path)
        let isVLEK = leaf.subjectCommonName == "SEV-VLEK"
        let chain = try #require(names.first { $0.hasSuffix(".pem") && $0.hasSuffix("vlek.pem") == isVLEK })
        return SNPCollateral(
            vek: PEM.encode(leaf.der, label: "CERTIFICATE"),
            chain: String(decoding: try Vectors.bytes("\(folder)/\(chain)"), as: UTF8.self))
    }

    /// Intel's sample keeps each part in a file of its own, with document and signature in one JSON object.
    private static func dcapCollateral(_ files: JSON) throws -> DCAPCollateral {
        func text(_ name: String) throws -> String {
            String(decoding: try Vectors.bytes(try #require(files[name]?.string)), as: UTF8.self)
        }
        func hex(_ name: String) throws -> String { Hex.encode(try Vectors.bytes(try #require(files[name]?.string))) }
        func document(_ name: String, _ member: String) throws -> (String, String) {
            let whole = try text(name)
            let start = try #require(whole.range(of: "{\"\(member)\":"))
            let end = try #require(whole.range(of: ",\"signature\":\"", options: .backwards))
            let signature = whole[end.upperBound...].prefix { $0 != "\"" }
            return (String(whole[start.upperBound..<end.lowerBound]), String(signature))
        }
        let info = try document("tcb_info", "tcbInfo")
        let identity = try document("qe_identity", "enclaveIdentity")
        return DCAPCollateral(
            pckCRLIssuerChain: try text("pck_sign_chain"), rootCACRL: try hex("root_ca_crl"),
            pckCRL: try hex("intermediate_ca_crl"), tcbInfoIssuerChain: try text("tcb_sign_chain"), tcbInfo: info.0,
            tcbInfoSignature: info.1, qeIdentityIssuerChain: try text("tcb_sign_chain"), qeIdentity: identity.0,
            qeIdentitySignature: identity.1, pckCertificateChain: try text("pck_cert") + text("pck_sign_chain"))
    }

    func verdict(
        _ verifier: EvidenceVerifier = EvidenceVerifier(anchors: .vendors), at time: Timestamp? = nil,
        policy: AcceptancePolicy = .default
    ) throws -> Verdict {
        verifier.verify(
            try evidence(), tee: tee, collateral: tee == .nitro || tee == .nvidia ? nil : try collateral(),
            at: time ?? self.time, policy: policy)
    }
}
