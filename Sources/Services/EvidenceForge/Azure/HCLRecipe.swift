package import Encoding
import Evidence

/// Evidence of an Azure confidential VM as it will be made: hardware, the paravisor's report, the TPM's quote, the
/// attestation key's certificates.
///
/// - Source: evidence page section 1.4; the JSON of confidential-containers/trustee, version 1, with our `ak_certificates`
///   and `event_log`.
package struct HCLRecipe: Sendable {
    package enum Hardware: Sendable {
        case snp(SNPRecipe)
        case tdx(QuotedEvidenceRecipe)
    }

    package var hardware: Hardware
    package var report: HCLReportRecipe
    /// In place of what the hardware's report must bind.
    package var binding: [UInt8]?
    package var quote: TPMQuoteRecipe
    package var log: EventLogRecipe?
    /// The key's certificate, its issuer, the root.
    package var certificates: [CertificateRecipe]
    /// Zeros behind the first of them, as it lies in the TPM's memory.
    package var certificatePadding = 0
    /// Changes the TDREPORT, in its area of 1,184 bytes.
    package var changeLocalReport: (@Sendable (inout [UInt8]) -> Void)?
    /// Changes the finished report.
    package var tamperReport: (@Sendable (inout [UInt8]) -> Void)?
    /// Changes the members of the evidence.
    package var change: (@Sendable (inout [String: JSON]) -> Void)?
    package var presentation: Presentation

    /// - Throws: when the crypto library fails.
    package func made() throws -> ForgedEvidence {
        let bound = binding ?? report.binding
        var members: [String: JSON] = ["version": 1]
        var report: [UInt8]
        let collateral: EvidenceCollateral
        switch hardware {
        case .snp(var snp):
            snp.report.put(bound, at: SNPReport.Layout.reportData)
            report = self.report.report(hardware: try snp.signedReport())
            members["vcek"] = .string(Base64.encodeURL(try snp.endorsedLeaf.der()))
            collateral = .snp(try snp.collateral())
        case .tdx(var tdx):
            tdx.quote.body.put(bound, at: TDReport.Layout.reportData)
            let made = try tdx.made()
            var local = TDREPORT.bytes(body: tdx.quote.body)
            changeLocalReport?(&local)
            report = self.report.report(hardware: local)
            members["td_quote"] = .string(Base64.encodeURL(made.evidence))
            guard let own = made.collateral else { return made }
            collateral = own
        }
        tamperReport?(&report)
        members["hcl_report"] = .string(Base64.encodeURL(report))
        let signed = try quote.signed()
        members["tpm_quote"] = [
            "message": .string(Hex.encode(signed.message)), "signature": .string(Hex.encode(signed.signature)),
            "pcrs": .array((quote.suppliedRegisters ?? quote.registers).map { .string(Hex.encode($0)) }),
        ]
        if !certificates.isEmpty {
            var ders = try certificates.map { try $0.der() }
            ders[0] += .zeros(certificatePadding)
            members["ak_certificates"] = .array(ders.map { .string(Base64.encodeURL($0)) })
        }
        if let log { members["event_log"] = .string(Base64.encodeURL(log.bytes)) }
        change?(&members)
        return presentation.evidence(JSON.object(members).canonical, collateral)
    }
}

// MARK: The usual ones

extension HCLRecipe {
    /// A VM whose TPM quotes `program.reportData` as its nonce.
    package static func standard(
        _ hardware: Hardware, program: AttestedProgram, keys: KeyRing, dates: Dates, at time: Timestamp
    ) throws -> HCLRecipe {
        let chain = try VTPMChainRecipe.standard(keys: keys, dates: dates)
        let reportType: UInt32 =
            switch hardware {
            case .snp: 2
            case .tdx: 4
            }
        return HCLRecipe(
            hardware: hardware,
            report: try .standard(reportType: reportType, attestationKey: chain.leaf.key, keys: keys),
            quote: .standard(nonce: program.reportData, log: .standard, signer: chain.leaf.key), log: .standard,
            certificates: [chain.leaf, chain.authority, chain.root],
            presentation: Presentation(tee: .hcl, time: time, binding: program.reportData))
    }
}

/// What a TD's module reports to its own machine; a quote repeats parts of it.
///
/// - Source: Intel TDX module, TDREPORT_STRUCT; evidence page section 1.4.
private enum TDREPORT {
    static func bytes(body: [UInt8]) -> [UInt8] {
        typealias Layout = TDReport.Layout
        var report = [UInt8].zeros(1_184)
        report[0] = 0x81
        report.put(body[Layout.reportData..<Layout.reportData + 64], at: 128)
        report.put([UInt8](repeating: 0xff, count: 8), at: 256)
        report.put(body[Layout.teeTCBSVN..<Layout.tdAttributes], at: 264)
        // TDINFO has the members of the body from the attributes to the last RTMR.
        report.put(body[Layout.tdAttributes..<Layout.reportData], at: 512)
        return report
    }
}
