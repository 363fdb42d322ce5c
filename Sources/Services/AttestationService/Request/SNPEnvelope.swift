import Encoding
import Evidence

/// The JSON inside `report` of a SevSnpVm request: the report and its certificates (attestation API reference,
/// section 7.4).
struct SNPEnvelope: Sendable {
    let report: [UInt8]
    /// PEM of the VCEK or VLEK, its issuer and the root, in any order.
    let certificates: String
    /// COSE messages about the utility VM of a container group; empty where there are none.
    let endorsements: [[UInt8]]

    private static let maximumEndorsements = 8

    /// - Throws: `evidence-malformed` for the envelope, `evidence-chain` for certificates that are no text.
    init(_ bytes: [UInt8]) throws(Refusal) {
        let json: JSON
        do throws(JSON.ParseError) { json = try JSON.parse(bytes) } catch {
            throw Refusal(.evidenceMalformed, "report is not the JSON of an SNP request: \(error)")
        }
        let members: LenientObject
        let report: [UInt8]?
        let chain: [UInt8]?
        let endorsements: [UInt8]?
        do throws(Refusal) {
            members = try LenientObject(json, "report")
            report = try members.bytes("SnpReport")
            chain = try members.bytes("VcekCertChain")
            endorsements = try members.bytes("Endorsements")
        } catch {
            throw Refusal(.evidenceMalformed, error.detail)
        }
        guard let report else { throw Refusal(.evidenceMalformed, "report has no SnpReport") }
        guard let chain, let text = String(validating: chain, as: UTF8.self) else {
            throw Refusal(.evidenceChain, "report has no VcekCertChain in PEM")
        }
        self.report = report
        certificates = text
        self.endorsements = try endorsements.map(Self.endorsements) ?? []
    }

    /// `{"Uvm": [base64url, …]}`.
    private static func endorsements(_ bytes: [UInt8]) throws(Refusal) -> [[UInt8]] {
        guard let json = try? JSON.parse(bytes), let members = try? LenientObject(json, "Endorsements") else {
            throw Refusal(.evidenceMalformed, "Endorsements is not a JSON object")
        }
        guard let list = members["Uvm"] else { return [] }
        let messages = (list.strings ?? []).compactMap { Base64.decode($0, .lenient) }
        guard messages.count == list.array?.count, messages.count <= maximumEndorsements else {
            throw Refusal(
                .evidenceMalformed, "Uvm is not a list of at most \(maximumEndorsements) messages in base64url")
        }
        return messages
    }
}
