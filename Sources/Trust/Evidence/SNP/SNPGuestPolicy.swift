/// The policy under which a guest was launched; the firmware enforces it.
///
/// - Source: SEV-SNP Firmware ABI 56860, GUEST POLICY; `evidence.md` section 1.1.
public struct SNPGuestPolicy: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static let allowsSMT = SNPGuestPolicy(rawValue: 1 << 16)
    /// Reserved, always set.
    public static let reserved = SNPGuestPolicy(rawValue: 1 << 17)
    public static let allowsMigrationAgent = SNPGuestPolicy(rawValue: 1 << 18)
    public static let allowsDebug = SNPGuestPolicy(rawValue: 1 << 19)
    public static let requiresSingleSocket = SNPGuestPolicy(rawValue: 1 << 20)
    public static let allowsCXL = SNPGuestPolicy(rawValue: 1 << 21)
    public static let requiresMemoryAES256XTS = SNPGuestPolicy(rawValue: 1 << 22)
    public static let requiresRAPLDisabled = SNPGuestPolicy(rawValue: 1 << 23)
    public static let requiresCiphertextHiding = SNPGuestPolicy(rawValue: 1 << 24)
    public static let requiresPageSwapDisabled = SNPGuestPolicy(rawValue: 1 << 25)

    /// Least ABI version that the guest asks for.
    public var abiMinor: UInt8 { UInt8(truncatingIfNeeded: rawValue) }
    public var abiMajor: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 8) }

    /// Bit 17 set and bits 63 to 26 clear.
    var hasFixedBits: Bool { contains(.reserved) && rawValue >> 26 == 0 }
}

/// What a report says of its platform. Bits without a name here are ignored: real Turin reports set bit 6.
public struct SNPPlatformInfo: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static let smtEnabled = SNPPlatformInfo(rawValue: 1 << 0)
    public static let tsmeEnabled = SNPPlatformInfo(rawValue: 1 << 1)
    public static let eccMemory = SNPPlatformInfo(rawValue: 1 << 2)
    public static let raplDisabled = SNPPlatformInfo(rawValue: 1 << 3)
    public static let ciphertextHiding = SNPPlatformInfo(rawValue: 1 << 4)
    /// The firmware checked for aliased memory (BadRAM).
    public static let aliasCheckComplete = SNPPlatformInfo(rawValue: 1 << 5)
    public static let trustedIO = SNPPlatformInfo(rawValue: 1 << 7)
}
