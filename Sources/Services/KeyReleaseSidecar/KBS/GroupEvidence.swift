import Crypto
import Encoding
import Evidence

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A report in the messages of the KBS protocol, and whether it was made by this very group.
///
/// The sidecar judges no other machine: it hands on only what its own group may have, to those who show that they run
/// in it. Who the group is, the vault's policy decides.
struct GroupEvidence {
    let report: SNPReport

    /// Reads `primary_evidence`: an object, or its text, whose `attestation_report` is base64, or a list of numbers.
    ///
    /// - Throws: `evidence-malformed`.
    init(_ json: JSON) throws(Refusal) {
        var object = json
        if let text = json.string {
            do throws(JSON.ParseError) { object = try JSON.parse(text) } catch {
                throw Refusal(.evidenceMalformed, "primary_evidence: \(error)")
            }
        }
        let member = object["attestation_report"]
        let numbers = member?.array?.compactMap { $0.integer.flatMap { UInt8(exactly: $0) } }
        guard let bytes = member?.string.flatMap({ Base64.decode($0, .lenient) }) ?? numbers else {
            throw Refusal(.evidenceMalformed, "primary_evidence has no attestation_report of bytes")
        }
        report = try SNPReport(bytes[...])
    }

    /// The form that `init` reads.
    static func json(_ report: [UInt8]) -> JSON {
        ["attestation_report": .string(Base64.encodeStandard(report))]
    }

    /// Report data of the protocol: SHA-384 of the runtime data in its canonical form, and 16 zero bytes.
    static func reportData(_ runtimeData: JSON) -> [UInt8] {
        Array(SHA384.hash(data: runtimeData.canonical)) + [UInt8](repeating: 0, count: 16)
    }

    /// Checks that the report binds `runtimeData`, was signed by the same chip, and is of the same launch.
    ///
    /// - Parameters:
    ///   - own: a report of this group, made now.
    ///   - key: PEM of the certificate of the chip's key, which came with `own`.
    /// - Throws: `binding-mismatch`, `evidence-signature`, `instance-mismatch`, `evidence-chain`.
    func require(_ runtimeData: JSON, sameGroupAs own: SNPReport, key pem: String) throws(Refusal) {
        guard report.reportData.elementsEqual(Self.reportData(runtimeData)) else {
            throw Refusal(.bindingMismatch, "the report does not bind the runtime data")
        }
        guard let certificate = try Certificate.chain(pem: pem).first, case .p384(let key) = certificate.publicKey
        else {
            throw Refusal(.evidenceChain, "the chip's certificate has no P-384 key")
        }
        guard isSigned(by: key) else {
            throw Refusal(.evidenceSignature, "the report is not signed by this machine's chip")
        }
        // VMPL and debug come with policy and measurement; the host cannot launch a second guest that has all of these.
        guard report.chipID == own.chipID, report.measurement == own.measurement, report.hostData == own.hostData,
            report.policy == own.policy, report.vmpl == own.vmpl
        else { throw Refusal(.instanceMismatch, "the report is of another launch than this group's") }
    }

    private func isSigned(by key: P384.Signing.PublicKey) -> Bool {
        let start = report.bytes.startIndex
        let signature = SNPReport.Layout.signature
        var raw: [UInt8] = []
        for part in 0..<2 {
            let from = start + signature + part * SNPReport.Layout.signatureComponentBytes
            raw += report.bytes[from..<from + 48].reversed()
        }
        guard let value = try? P384.Signing.ECDSASignature(rawRepresentation: raw) else { return false }
        return key.isValidSignature(value, for: Array(report.bytes[start..<start + signature]))
    }
}
