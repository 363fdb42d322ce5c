import Encoding
import Evidence

/// The call that has evidence appraised (attestation API reference, section 7).
struct AttestRequest: Sendable {
    /// The last segment of the path: `SgxEnclave` or `SevSnpVm`.
    let path: String
    let body: JSON

    /// - Throws: `collateral-invalid` when an SNP report comes without its certificates.
    init(_ document: EvidenceDocument) throws(Refusal) {
        var members: [String: JSON] = [:]
        if let runtimeData = document.runtimeData {
            let isObject = (try? JSON.parse(runtimeData))?.object != nil
            members["runtimeData"] = [
                "data": .string(Base64.encodeURL(runtimeData)), "dataType": isObject ? "JSON" : "Binary",
            ]
        }
        switch document.tee {
        case .sgx:
            path = "SgxEnclave"
            members["quote"] = .string(Base64.encodeURL(document.evidence))
        case .snp:
            path = "SevSnpVm"
            guard case .snp(let collateral) = document.collateral else {
                throw Refusal(.collateralInvalid, "an SNP report comes without its certificates")
            }
            let report: JSON = [
                "SnpReport": .string(Base64.encodeURL(document.evidence)),
                "VcekCertChain": .string(Base64.encodeURL((collateral.vek + collateral.chain).utf8)),
            ]
            members["report"] = .string(Base64.encodeURL(report.canonical))
        case .tdx, .hcl, .tpm, .nitro, .nvidia:
            throw Refusal(.evidenceMalformed, "there is no attest request for \(document.tee.rawValue) yet")
        }
        body = .object(members)
    }

    /// The file form, `{"attestPath","request"}`.
    var file: JSON { ["attestPath": .string(path), "request": body] }
}
