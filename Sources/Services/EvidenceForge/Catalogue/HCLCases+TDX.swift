import Encoding
import Evidence

// Azure confidential VMs on TDX: the TD quote against the TDREPORT, and a few of what can be wrong with the quote.
extension HCLCases {
    static var onTDX: [ForgedCase] {
        [
            rightOnTDX("right", "nothing is wrong") { _ in },
            rightOnTDX("quote-zero-padded", "70 zero bytes follow the TD quote") {
                $0.changeTDX { $0.presentation.tamper = { $0 += .zeros(70) } }
            },
        ] + local + quoted
    }

    private static func rightOnTDX(_ name: String, _ about: String, _ change: @escaping Change) -> ForgedCase {
        made("tdx-\(name)", about, code: nil, abuseCase: nil, isGenuine: true, onTDX: true) { recipe, _ in
            try change(&recipe)
        }
    }

    private static func wrongOnTDX(
        _ name: String, _ code: RefusalCode, _ abuseCase: String, _ about: String, isGenuine: Bool = false,
        _ change: @escaping Change
    ) -> ForgedCase {
        made("tdx-\(name)", about, code: code, abuseCase: abuseCase, isGenuine: isGenuine, onTDX: true) { recipe, _ in
            try change(&recipe)
        }
    }

    /// The TDREPORT, which nobody else can check, against the quote.
    private static var local: [ForgedCase] {
        [
            wrongOnTDX("report-type-snp", .evidenceMalformed, "AC-018", "the report says SNP over a TDREPORT") {
                $0.report.reportType = 2
            },
            wrongOnTDX("local-report-type", .evidenceMalformed, "AC-018", "the TDREPORT is not of a TD") {
                $0.changeLocalReport = { $0[0] = 0 }
            },
            wrongOnTDX("local-report-trailing", .evidenceMalformed, "AC-018", "something follows the TDREPORT") {
                $0.changeLocalReport = { $0[1_100] = 1 }
            },
            wrongOnTDX("local-report-of-other-td", .bindingMismatch, "AC-015", "the TDREPORT is that of another TD") {
                $0.changeLocalReport = { $0[512 + 16] ^= 1 }
            },
            wrongOnTDX(
                "local-report-binds-otherwise", .bindingMismatch, "AC-015",
                "the TDREPORT binds other runtime data than the quote"
            ) {
                $0.changeLocalReport = { $0[128] ^= 1 }
            },
            wrongOnTDX("runtime-changed", .bindingMismatch, "AC-015", "the runtime data was changed after it was bound")
            {
                $0.report.replace = { $0.replacing(#""secure-boot":true"#, with: #""secure-boot":null"#) }
            },
            wrongOnTDX("without-td-quote", .evidenceMalformed, "AC-018", "the TD quote is missing") {
                $0.change = { $0["td_quote"] = nil }
            },
            wrongOnTDX("td-quote-cut", .evidenceMalformed, "AC-018", "the TD quote is cut off") {
                $0.changeTDX { $0.presentation.tamper = { $0.removeLast() } }
            },
        ]
    }

    /// The quote; the rest is the same as without a paravisor.
    private static var quoted: [ForgedCase] {
        func tdx(
            _ name: String, _ code: RefusalCode, _ abuseCase: String, _ about: String, isGenuine: Bool = false,
            _ change: @escaping @Sendable (inout QuotedEvidenceRecipe) -> Void
        ) -> ForgedCase {
            wrongOnTDX(name, code, abuseCase, about, isGenuine: isGenuine) { $0.changeTDX(change) }
        }
        return [
            tdx("debug", .debugEnabled, "AC-005", "the TD is a debug TD", isGenuine: true) {
                $0.quote.body[TDReport.Layout.tdAttributes] |= 1
            },
            tdx("pck-expired", .evidenceChain, "AC-002", "the PCK certificate has expired") {
                $0.dcap.pck.notAfter = Forge.time - 1
            },
            tdx("pck-revoked", .certificateRevoked, "AC-013", "the PCK certificate is revoked") {
                $0.dcap.pckList.revoked = [$0.dcap.pck.serial]
            },
            tdx("tcb-info-expired", .collateralInvalid, "AC-012", "the TCB info has expired", isGenuine: true) {
                $0.dcap.tcbInfo.members["nextUpdate"] = .string((Forge.time - 1).description)
            },
            tdx("qe-other-signer", .qeIdentity, "AC-014", "the quoting enclave's MRSIGNER is another", isGenuine: true)
            {
                $0.quote.quotingEnclave[SGXReport.Layout.mrSigner] ^= 1
            },
            tdx("quote-signed-by-pck", .evidenceSignature, "AC-001", "the TD quote is signed with the platform's key") {
                $0.quote.signer = $0.dcap.pck.key
            },
            tdx("module-other-signer", .tcbInconsistent, "AC-011", "MRSIGNERSEAM is not Intel's", isGenuine: true) {
                $0.quote.body[TDReport.Layout.mrSignerSeam] = 1
            },
            tdx("platform-revoked", .tcbNotAccepted, "AC-010", "the platform's level is revoked", isGenuine: true) {
                $0.dcap.tcbInfo.changeLevels { $0["tcbStatus"] = "Revoked" }
            },
        ]
    }
}

extension HCLRecipe {
    /// Changes the hardware below, where it is Intel's.
    fileprivate mutating func changeTDX(_ change: (inout QuotedEvidenceRecipe) -> Void) {
        guard case .tdx(var tdx) = hardware else { return }
        change(&tdx)
        hardware = .tdx(tdx)
    }
}
