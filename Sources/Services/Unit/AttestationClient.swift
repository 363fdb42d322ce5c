import AttestationToken
package import Attester
package import Encoding
import Evidence
import HTTPTypes
package import ServiceKit

/// Asks an attestation service for a token over evidence (`attestation-api.md` section 7).
package struct AttestationClient: Sendable {
    private let client: Client

    package init(client: Client) {
        self.client = client
    }

    /// The compact token; the caller verifies it.
    ///
    /// - Throws: the refusal that the service gives in `Cloister-Refusal`; `unavailable` when it does not answer.
    package func token(
        for evidence: AttesterEvidence, runtimeData: [UInt8], from issuer: String
    ) async throws(Refusal) -> String {
        let request = try AttestationClient.request(for: evidence, runtimeData: runtimeData)
        let answer = try await client.send(
            .post, "\(issuer)/attest/\(request.path)?api-version=2022-08-01",
            headers: [.contentType: "application/json"], body: request.body.canonical)
        guard answer.status == 200, let json = try? JSON.parse(answer.body), let token = json["token"]?.string else {
            let name = answer.headers[.cloisterRefusal] ?? "status \(answer.status)"
            throw Refusal(
                RefusalCode(name, status: 503), "the attestation service refused this unit's evidence: \(name)")
        }
        return token
    }

    /// Path segment and body of the attest call.
    package static func request(
        for evidence: AttesterEvidence, runtimeData: [UInt8]
    ) throws(Refusal) -> (path: String, body: JSON) {
        let runtime: JSON = ["data": .string(Base64.encodeURL(runtimeData)), "dataType": "JSON"]
        switch evidence.tee {
        case .sgx:
            return (
                "SgxEnclave",
                [
                    "quote": .string(Base64.encodeURL(evidence.evidence)), "runtimeData": runtime,
                    "tokenAlgorithm": "ES256",
                ]
            )
        case .snp:
            guard case .snp(let collateral) = evidence.collateral else {
                throw Refusal(.collateralInvalid, "an SNP report comes without its certificates")
            }
            let chain = collateral.vek + collateral.chain
            let report: JSON = [
                "SnpReport": .string(Base64.encodeURL(evidence.evidence)),
                "VcekCertChain": .string(Base64.encodeURL(Array(chain.utf8))),
            ]
            return (
                "SevSnpVm",
                [
                    "report": .string(Base64.encodeURL(report.canonical)), "runtimeData": runtime,
                    "tokenAlgorithm": "ES256",
                ]
            )
        case .tdx, .hcl, .tpm, .nitro, .nvidia:
            throw Refusal(.evidenceMalformed, "this unit attests with SGX or SEV-SNP evidence only")
        }
    }
}
