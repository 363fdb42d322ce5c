public import Encoding

/// What a relying party accepts of evidence that is genuine.
///
/// The default accepts every TCB status but `Revoked` and `NotSupported`, refuses debug, for TDX what `TDXRequirements`
/// says, and asks for nothing else (formats section 8); every member narrows or widens one rule.
public struct AcceptancePolicy: Hashable, Sendable {
    public var acceptedTCBStatuses: Set<TCBStatus> = Set(TCBStatus.allCases).subtracting([.revoked, .notSupported])
    /// SGX and TDX: how long an `OutOfDate` that is not accepted is tolerated, in seconds after the `tcbDate` of the first
    /// level that the platform (or its module, or its quoting enclave) misses. It then counts as `UpToDate`, and
    /// `OutOfDateConfigurationNeeded` as `ConfigurationNeeded`.
    public var outOfDateGraceSeconds: Int64 = 0
    /// SGX and TDX: the `tcbDate` of each matched level must not be before; nil asks for no date.
    public var minimumTCBDate: Timestamp?
    /// SGX and TDX: `tcbEvaluationDataNumber` of TCB info and QE identity.
    public var minimumTCBEvaluationDataNumber: Int64 = 0
    /// A matched level that names one of these is refused.
    public var refusedAdvisories: Set<String> = []
    public var acceptsDebug = false
    /// Evidence with one of these marks is refused, whatever else it proves.
    public var distrusted: Set<EvidenceMark> = []
    /// SNP: an absent revocation list is refused. Intel's collateral always has its lists.
    public var requireRevocationLists = false
    public var dcap = DCAPRequirements()
    public var tdx = TDXRequirements()
    public var snp = SNPRequirements()
    public var nitro = NitroRequirements()
    public var nvidia = NVIDIARequirements()
    public var tpm = TPMRequirements()
    public var hcl = HCLRequirements()

    public init() {}

    public static let `default` = AcceptancePolicy()
}

/// What a relying party asks of an SNP guest and platform.
public struct SNPRequirements: Hashable, Sendable {
    /// Least TCB versions of one product, component by component.
    public struct Floors: Hashable, Sendable {
        public var reported: SNPTCBVersion?
        public var committed: SNPTCBVersion?
        public var launch: SNPTCBVersion?
        public var current: SNPTCBVersion?

        public init(
            reported: SNPTCBVersion? = nil, committed: SNPTCBVersion? = nil, launch: SNPTCBVersion? = nil,
            current: SNPTCBVersion? = nil
        ) {
            self.reported = reported
            self.committed = committed
            self.launch = launch
            self.current = current
        }
    }

    /// By product. A product without floors has no TCB status; `requiresFloors` refuses it.
    public var floors: [SNPProduct: Floors] = [:]
    public var requiresFloors = false
    /// Guest policy bits that must be clear, for example `allowsMigrationAgent`.
    public var refusedPolicy: SNPGuestPolicy = []
    /// Guest policy bits that must be set, for example `requiresSingleSocket`.
    public var requiredPolicy: SNPGuestPolicy = []
    /// Least ABI version in the guest policy.
    public var minimumABI: (major: UInt8, minor: UInt8) {
        get { (UInt8(abi >> 8), UInt8(abi & 0xff)) }
        set { abi = UInt16(newValue.major) << 8 | UInt16(newValue.minor) }
    }
    private var abi: UInt16 = 0
    /// Platform information bits that must be set or clear, for example `aliasCheckComplete`.
    public var requiredPlatformInfo: SNPPlatformInfo = []
    public var refusedPlatformInfo: SNPPlatformInfo = []
    public var requiredMitigations: UInt64 = 0
    /// Current firmware and TCB must be the committed ones.
    public var refusesProvisionalFirmware = false
    /// Least committed firmware.
    public var minimumFirmware = SNPFirmwareVersion(major: 0, minor: 0, build: 0)
    public var minimumGuestSVN: UInt32 = 0
    /// Highest privilege level number that is accepted (0 is the most privileged, 3 the greatest).
    public var maximumVMPL: UInt32 = 3
    /// Allow-lists; nil accepts all.
    public var cloudProviders: Set<String>?
    public var idKeyDigests: Set<[UInt8]>?
    public var authorKeyDigests: Set<[UInt8]>?
    public var familyIDs: Set<[UInt8]>?
    public var imageIDs: Set<[UInt8]>?
    public var chipIDs: Set<[UInt8]>?

    public init() {}
}
