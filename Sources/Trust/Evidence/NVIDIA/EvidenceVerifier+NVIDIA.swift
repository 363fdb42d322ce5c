import Crypto
import Encoding

// Form, chain, signature, and that report and certificate are of the same firmware. Reference values and revocation come
// from services of NVIDIA's that are not asked; the checks of those names say so.
extension EvidenceVerifier {
    func verifyNVIDIA(
        _ evidence: ArraySlice<UInt8>, at time: Timestamp, policy: AcceptancePolicy, reportData: [UInt8]?
    ) -> Verdict {
        var appraisal = Appraisal(tee: .nvidia, policy)
        let parts: NVIDIAEvidence
        let report: NVIDIAReport
        do throws(Refusal) {
            parts = try NVIDIAEvidence(parsing: evidence)
            report = try NVIDIAReport(parts.report[...])
        } catch {
            appraisal.fail("format", error)
            return appraisal.verdict()
        }
        appraisal.pass("format", "SPDM 1.1 report with \(report.measurements.count) measurements")
        appraisal.reportData = Array(report.nonce)
        appraisal.attested = .nvidia(report)

        do throws(Refusal) {
            let endorsement = try nvidiaEndorsement(parts)
            appraisal.pass("certificate-chain", endorsement.detail)
            let isTrusted = appraisal.checkRoot(endorsement.path, role: .nvidia, anchors)
            let isValid = appraisal.checkValidity(
                "certificate-validity", .evidenceChain, endorsement.path.validity, at: time)
            appraisal.checkNVIDIARevocation(policy.nvidia)
            let isSigned = appraisal.checkReportSignature(report, endorsement.key)
            appraisal.signatureChain = isTrusted && isValid && isSigned ? .valid : .invalid
            appraisal.checkFirmwareID(report, endorsement)
            if appraisal.signatureChain == .valid { appraisal.claims = NVIDIAClaims.of(report, endorsement) }
        } catch { appraisal.fail("certificate-chain", error) }
        appraisal.skip("measurements", "NVIDIA's reference values (RIM) are not looked at; compare the claims")
        appraisal.skip("debug", "a report says nothing about debugging but by its measurements")
        appraisal.checkReportData(report.nonce, isExactly: reportData)
        return appraisal.verdict()
    }

    private func nvidiaEndorsement(_ parts: NVIDIAEvidence) throws(Refusal) -> NVIDIAEndorsement {
        let key = ContentDigest.of([parts.certificateChain])
        if let endorsement = nvidiaEndorsements.value(key) { return endorsement }
        let endorsement = try NVIDIAEndorsement(parts.certificateChain[...], known: certificates)
        if isTrusted(endorsement.path, .nvidia) { nvidiaEndorsements.insert(endorsement, key) }
        return endorsement
    }
}

extension Appraisal {
    fileprivate mutating func checkNVIDIARevocation(_ wanted: NVIDIARequirements) {
        if wanted.requiresRevocationAnswer {
            failPolicy("revocation", .collateralInvalid, "there is no OCSP answer, and the policy asks for one")
        } else {
            skip("revocation", "NVIDIA's OCSP service is not asked, and the policy does not ask for its answer")
        }
    }

    fileprivate mutating func checkReportSignature(_ report: NVIDIAReport, _ key: P384.Signing.PublicKey) -> Bool {
        guard let signature = try? P384.Signing.ECDSASignature(rawRepresentation: report.signature),
            key.isValidSignature(signature, for: SHA384.hash(data: report.signedBytes))
        else {
            fail("report-signature", .evidenceSignature, "the attestation key did not sign this request and response")
            return false
        }
        pass("report-signature", "ECDSA P-384 over \(report.signedBytes.count) bytes of request and response")
        return true
    }

    fileprivate mutating func checkFirmwareID(_ report: NVIDIAReport, _ endorsement: NVIDIAEndorsement) {
        guard let seen = report.field(.firmwareID) else {
            skip("firmware-id", "the report names no firmware id")
            return
        }
        if let certified = endorsement.firmwareID, seen.elementsEqual(certified) {
            pass("firmware-id", "report and certificate are of firmware \(Hex.encode(seen.prefix(8)))…")
        } else {
            fail("firmware-id", .tcbInconsistent, "the certificate is for another firmware than the report names")
        }
    }
}
