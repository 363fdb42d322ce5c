import AttestationToken
import Collateral
import Crypto
import Encoding
import Evidence
import FoundationEssentials

/// Evidence as a file brought it: the bytes alone, as the hardware or the cloud's tools write them, an evidence document, or
/// an attest request.
struct EvidenceInput: Sendable {
    /// Greatest file of evidence, in bytes.
    static let maximumBytes = 4 << 20

    var tee: TEE
    var evidence: [UInt8]
    var runtimeData: [UInt8]?
    var collateral: EvidenceCollateral?

    /// - Throws: `evidence-malformed` for a file that is none of these.
    init(_ bytes: [UInt8]) throws(Refusal) {
        let first = bytes.first { !($0 == 0x20 || (0x09...0x0d).contains($0)) }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else {
            let raw = EvidenceInput.raw(bytes)
            self.init(tee: try EvidenceInput.tee(of: raw), evidence: raw)
            return
        }
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw Refusal(.evidenceMalformed, "the file begins like JSON but is none: \(error)")
        }
        if let path = json["attestPath"]?.string, let request = json["request"] {
            try self.init(attestPath: path, request: request)
        } else if (json.array?.first ?? json)["certificate"] != nil {
            self.init(tee: .nvidia, evidence: bytes)
        } else if json["hcl_report"] != nil || json["quote"] != nil {
            self.init(tee: .hcl, evidence: bytes)
        } else {
            let document = try EvidenceDocument(json: json)
            self.init(
                tee: document.tee, evidence: document.evidence, runtimeData: document.runtimeData,
                collateral: document.collateral)
        }
    }

    /// Nitro documents are often handed round as base64 text; everything else is as it is.
    private static func raw(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.allSatisfy({ $0 < 0x80 }),
            let decoded = Base64.decode(String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self), .lenient),
            (try? NitroDocument(decoded[...])) != nil
        else { return bytes }
        return decoded
    }

    init(
        tee: TEE, evidence: [UInt8], runtimeData: [UInt8]? = nil, collateral: EvidenceCollateral? = nil
    ) {
        self.tee = tee
        self.evidence = evidence
        self.runtimeData = runtimeData
        self.collateral = collateral
    }

    /// The form that `cloister evidence --format maa` writes (`formats.md` section 8).
    private init(attestPath: String, request: JSON) throws(Refusal) {
        func bytes(_ json: JSON?, _ name: String) throws(Refusal) -> [UInt8] {
            guard let bytes = json?.string.flatMap({ Base64.decode($0, .lenient) }) else {
                throw Refusal(.evidenceMalformed, "the request's \(name) is missing or not base64url")
            }
            return bytes
        }
        if let runtime = request["runtimeData"], runtime["data"]?.string != "" {
            runtimeData = try bytes(runtime["data"], "runtimeData")
        }
        switch attestPath.lowercased() {
        case "sgxenclave":
            tee = .sgx
            evidence = try bytes(request["quote"], "quote")
        case "tdxvm":
            tee = .tdx
            evidence = try bytes(request["quote"], "quote")
        case "openenclave":
            tee = .sgx
            // A header of 16 bytes: version 1, type 2, length (attestation API reference, section 7.3).
            let report = try bytes(request["report"], "report")
            var reader = ByteReader(report)
            let version = try reader.littleEndian(UInt32.self, "Open Enclave version")
            let type = try reader.littleEndian(UInt32.self, "Open Enclave report type")
            let length = try reader.littleEndian(UInt64.self, "Open Enclave length")
            guard version == 1, type == 2, length == UInt64(reader.remaining) else {
                throw Refusal(.evidenceMalformed, "the Open Enclave header is not of a remote report")
            }
            evidence = Array(reader.rest())
        case "sevsnpvm":
            tee = .snp
            let json: JSON
            let inner = try bytes(request["report"], "report")
            do throws(JSON.ParseError) { json = try JSON.parse(inner) } catch {
                throw Refusal(.evidenceMalformed, "the request's report is not JSON: \(error)")
            }
            evidence = try bytes(json["SnpReport"], "SnpReport")
            let chain = String(decoding: try bytes(json["VcekCertChain"], "VcekCertChain"), as: UTF8.self)
            collateral = .snp(try SNPEndorsements(pem: chain).collateral())
        default:
            throw Refusal(
                .evidenceMalformed,
                "the attest path \(attestPath.prefix(20)) is not SgxEnclave, OpenEnclave, TdxVm or SevSnpVm")
        }
    }

    /// Which TEE made these bytes, by their first fields.
    private static func tee(of bytes: [UInt8]) throws(Refusal) -> TEE {
        if let quote = try? DCAPQuote(bytes[...]) { return quote.tee }
        if (try? SNPReport(bytes[...])) != nil { return .snp }
        if (try? NitroDocument(bytes[...])) != nil { return .nitro }
        if (try? TPMEvidence(bytes[...])) != nil { return .tpm }
        // Neither parses: say what is wrong with the one that it resembles.
        if bytes.count == SNPReport.Layout.byteCount { _ = try SNPReport(bytes[...]) }
        var reader = ByteReader(bytes)
        if let version = try? reader.littleEndian(UInt16.self, "version"), (3...5).contains(version) {
            _ = try DCAPQuote(bytes[...])
        }
        throw Refusal(
            .evidenceMalformed,
            "the file is no SGX or TDX quote, SEV-SNP report, Nitro document or TPM attestation, nor a document with one"
        )
    }

    /// What the report data must be, as far as the file says; nil when it carries no runtime data.
    var expectedReportData: [UInt8]? { runtimeData.map { Digest(of: $0).bytes } }
}

/// The certificates around an SNP report in whatever order they come.
struct SNPEndorsements {
    private var certificates: [Certificate] = []
    private var lists: [CertificateRevocationList] = []

    init() {}

    init(pem: String) throws(Refusal) {
        certificates = try Certificate.chain(pem: pem, refusing: .evidenceChain)
    }

    var isEmpty: Bool { certificates.isEmpty && lists.isEmpty }

    /// Takes what a file holds: certificates or a revocation list, PEM or DER.
    mutating func add(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        if text.contains("-----BEGIN CERTIFICATE-----"), let chain = try? Certificate.chain(pem: text) {
            certificates += chain
        } else if let certificate = try? Certificate(der: bytes) {
            certificates.append(certificate)
        } else if let list = try? CertificateRevocationList(der: bytes) {
            lists.append(list)
        }
    }

    /// What belongs to one endorsement key: the key's certificate, the intermediate that signed it, the root.
    ///
    /// - Throws: `evidence-chain` when no such chain is among them.
    func collateral(completing existing: SNPCollateral? = nil) throws(Refusal) -> SNPCollateral {
        var pool = certificates
        if let existing {
            pool += try Certificate.chain(pem: existing.vek, refusing: .evidenceChain)
            pool += try Certificate.chain(pem: existing.chain, refusing: .evidenceChain)
        }
        let roots = pool.filter { $0.issuerName == $0.subjectName }
        let intermediates = pool.filter { $0.isCertificateAuthority && $0.issuerName != $0.subjectName }
        let keys = pool.filter { !$0.isCertificateAuthority && $0.issuerName != $0.subjectName }
        guard let key = keys.first else { throw Refusal(.evidenceChain, "no VCEK or VLEK certificate was given") }
        // The names decide what is offered to the verifier; whether the signatures hold is its business.
        guard
            let intermediate = intermediates.first(where: { $0.subjectName == key.issuerName }) ?? intermediates.first,
            let root = roots.first(where: { $0.subjectName == intermediate.issuerName }) ?? roots.first
        else { throw Refusal(.evidenceChain, "the certificates of ASK and ARK are not all there") }
        func pem(_ certificate: Certificate) -> String { PEM.encode(certificate.der, label: "CERTIFICATE") }
        let list = lists.last { $0.issuerName == root.subjectName }
        return SNPCollateral(vek: pem(key), chain: pem(intermediate) + pem(root), crl: list?.der ?? existing?.crl)
    }
}
