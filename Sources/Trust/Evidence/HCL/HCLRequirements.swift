public import Encoding

/// What a relying party asks of an Azure confidential VM beyond its hardware, for which `snp` and the members for Intel
/// platforms hold.
///
/// The hardware measures the paravisor only, and any SNP guest can call itself one: name Microsoft's digests in
/// `SNPRequirements.idKeyDigests`, or measurements that you trust. What the VM started is in the registers.
public struct HCLRequirements: Hashable, Sendable {
    public var pcrs = PCRRequirements()
    /// What is asked of a TD under an HCL report, in place of `AcceptancePolicy.tdx`. Not SEPT_VE_DISABLE unless it is
    /// added: the recorded TDs of Azure run with all attributes off.
    public var tdx: TDXRequirements = {
        var requirements = TDXRequirements()
        requirements.requiredAttributes = []
        return requirements
    }()
    /// Members of `vm-configuration` and their values, for example `secure-boot` and `tpm-enabled` true.
    public var configuration: [String: JSON] = [:]
    /// The attestation key must have a certificate under Microsoft's root for virtual TPMs besides the report.
    public var requiresAttestationKeyCertificate = false
    /// What `user-data` must be, zeros at the end left away: a nonce there makes the report itself fresh.
    public var userData: [UInt8]?

    public init() {}

    /// Digests of the keys that signed Microsoft's paravisors, as seen in recorded reports of 2023 to 2025, for
    /// `SNPRequirements.idKeyDigests`.
    public static let microsoftIDKeyDigests: Set<[UInt8]> = Set(
        [
            "0356215882a825279a85b300b0b742931d113bf7e32dde2e50ffde7ec743ca491ecdd7f336dc28a6e0b2bb57af7a44a3",
            "942fd93ebde6ea7a96efadeafc60f1c6b3d10e703b1dafd7555b92f7f3d32d0e006767648cba5b102af3d65756af4177",
            "934f68bd8ba01938eec21475c872e3a942b60c59fafc6df9e9a76ee66bc47f2d09c676f61c0315c578da26085fb13a71",
        ].compactMap { Hex.decode($0) })
}
