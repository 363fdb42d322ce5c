import Encoding

// The steps of `evidence.md` section 2.3 that concern the HCL report.
extension Appraisal {
    /// Who made the SNP report: the paravisor alone runs at the highest privilege. Whose paravisor it is, the policy says.
    mutating func checkParavisor(_ report: SNPReport, _ policy: AcceptancePolicy) {
        if report.vmpl == 0 {
            pass("vmpl", "the report was made at the highest privilege, the paravisor's")
        } else {
            failPolicy("vmpl", .platformPolicy, "the report was made at VMPL \(report.vmpl), not by the paravisor")
            signatureChain = .invalid
        }
        if policy.snp.idKeyDigests == nil {
            skip(
                "paravisor",
                "the policy names no ID key digests, so that this may be anybody's paravisor: it was signed by "
                    + "\(Hex.encode(report.idKeyDigest))")
        } else {
            skip("paravisor", "see “platform”: the policy names ID key digests")
        }
    }

    /// The TDREPORT of the HCL report against the quote: only the quote is signed for others to see.
    mutating func checkLocalReport(_ local: HCLTDReport, isQuotedBy quoted: TDReport) {
        guard local.reportData.elementsEqual(quoted.reportData), local.mrTD.elementsEqual(quoted.mrTD) else {
            fail("td-quote", .bindingMismatch, "the TD quote is of another TD or report than the HCL report's TDREPORT")
            signatureChain = .invalid
            return
        }
        pass("td-quote", "the TD quote repeats report data and MRTD of the HCL report's TDREPORT")
        skip(
            "paravisor",
            "the policy has to say which paravisors it trusts: this one's MRTD is \(Hex.encode(quoted.mrTD))")
    }

    /// The runtime data against the report data, and so the key that stands in it.
    mutating func checkBinding(_ report: HCLReport, of key: PublicKey) {
        guard report.bindsRuntimeData else {
            fail(
                "tpm-key", .bindingMismatch, "the hardware's report does not bind the runtime data with the key"
            )
            signatureChain = .invalid
            return
        }
        pass("tpm-key", "HCLAkPub, key \(key.pin), in runtime data that the hardware's report binds")
    }

    /// What the relying party asks of the VM's configuration and user data.
    mutating func checkConfiguration(_ data: HCLRuntimeData, _ policy: HCLRequirements) {
        if policy.configuration.isEmpty {
            skip("vm-configuration", "the policy asks for nothing")
        } else {
            let wrong = policy.configuration.filter { data.configuration[$0.key] != $0.value }.keys.sorted()
            require(
                wrong.isEmpty, "vm-configuration", .platformPolicy,
                wrong.isEmpty ? "as the policy asks" : "other than the policy asks: \(wrong.joined(separator: ", "))")
        }
        guard let wanted = policy.userData else {
            skip("user-data", "the policy asks for none")
            return
        }
        let seen = data.userData ?? []
        require(
            !seen.isEmpty && seen.starts(with: wanted) && seen.dropFirst(wanted.count).allSatisfy { $0 == 0 },
            "user-data", .bindingMismatch, "the user data is \(Hex.encode(seen.prefix(64)))")
    }
}
