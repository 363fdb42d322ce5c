package import Attester
package import Encoding
import Evidence

/// The path, with its query, and the body of one call that asks for a token.
package struct AttestationRequest: Sendable {
    /// What follows `/attest/`.
    package var path: String
    package var body: JSON

    /// The request of a unit of Cloister, which asks for an ES256 token.
    ///
    /// - Throws: `collateral-invalid` for an SNP report without certificates, `evidence-malformed` for evidence of
    ///   another kind than SGX and SEV-SNP.
    package init(unit evidence: AttesterEvidence, runtimeData: [UInt8]) throws(Refusal) {
        let runtime: JSON = ["data": .string(Base64.encodeURL(runtimeData)), "dataType": "JSON"]
        let member: (name: String, value: String)
        switch evidence.tee {
        case .sgx:
            path = "SgxEnclave"
            member = ("quote", Base64.encodeURL(evidence.evidence))
        case .snp:
            guard case .snp(let collateral) = evidence.collateral else {
                throw Refusal(.collateralInvalid, "an SNP report comes without its certificates")
            }
            let report: JSON = [
                "SnpReport": .string(Base64.encodeURL(evidence.evidence)),
                "VcekCertChain": .string(Base64.encodeURL((collateral.vek + collateral.chain).utf8)),
            ]
            path = "SevSnpVm"
            member = ("report", Base64.encodeURL(report.canonical))
        case .tdx, .hcl, .tpm, .nitro, .nvidia:
            throw Refusal(.evidenceMalformed, "this unit attests with SGX or SEV-SNP evidence only")
        }
        path += "?api-version=2022-08-01"
        body = .object([member.name: .string(member.value), "runtimeData": runtime, "tokenAlgorithm": "ES256"])
    }

    /// The request of a confidential container group, as its sidecars send it: base64url with padding everywhere.
    ///
    /// - Parameters:
    ///   - report: the SNP report.
    ///   - certificates: PEM of VCEK, ASK and ARK.
    ///   - endorsement: the COSE message about the utility VM; nil where there is none.
    ///   - nonce: any number; the service only repeats it.
    /// - Source: sidecars page section 5.
    package init(
        containerGroup report: [UInt8], certificates: String, endorsement: [UInt8]?, runtimeData: [UInt8],
        nonce: UInt64
    ) {
        func text(_ bytes: some Sequence<UInt8>) -> JSON { .string(AttestationRequest.paddedURL(bytes)) }
        var members: [String: JSON] = ["SnpReport": text(report), "VcekCertChain": text(certificates.utf8)]
        if let endorsement {
            let list: JSON = ["Uvm": [text(endorsement)]]
            members["Endorsements"] = text(list.canonical)
        }
        path = "SevSnpVM?api-version=2020-10-01"
        body = [
            "report": text(JSON.object(members).canonical),
            "runtimeData": ["data": text(runtimeData), "dataType": "JSON"],
            "initTimeData": ["data": "", "dataType": ""],
            // Our numbers are signed; half of all nonces are as good as all of them.
            "nonce": .integer(Int64(nonce >> 1)),
        ]
    }

    /// base64url with padding.
    private static func paddedURL(_ bytes: some Sequence<UInt8>) -> String {
        let text = Base64.encodeURL(bytes)
        return text + String(repeating: "=", count: -text.utf8.count & 3)
    }
}
