/// What genuine evidence says, as typed values; only evidence whose signature chain is valid comes this far.
public enum AttestedEvidence: Sendable {
    case sgx(SGXQuote)
    case tdx(TDXQuote)
    case snp(SNPReport)
    case nitro(NitroDocument)
    case nvidia(NVIDIAReport)
    case tpm(TPMState)
    case hcl(HCLReport, TPMState)
}
