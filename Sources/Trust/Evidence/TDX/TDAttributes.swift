/// Attributes of a trust domain.
///
/// - Source: Intel TDX module ABI specification (348551), TD_ATTRIBUTES; the Linux kernel names the same bits.
public struct TDAttributes: OptionSet, Hashable, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The host can read and change the TD's memory and registers.
    public static let debug = TDAttributes(rawValue: 1 << 0)
    public static let hgsPlusProfiling = TDAttributes(rawValue: 1 << 4)
    public static let performanceProfiling = TDAttributes(rawValue: 1 << 5)
    public static let telemetryProfiling = TDAttributes(rawValue: 1 << 6)
    /// The whole first byte, “under debug” and “under profiling”: a TD with any of its bits set is not to be trusted.
    public static let underDebug = TDAttributes(rawValue: 0xff)
    /// Instruction-count based single-step defence.
    public static let icssd = TDAttributes(rawValue: 1 << 16)
    /// Extended binding of service TDs.
    public static let serviceTDExtension = TDAttributes(rawValue: 1 << 17)
    public static let linearAddressSpaceSeparation = TDAttributes(rawValue: 1 << 27)
    /// The host cannot make the TD take a fault on private memory that it has already accepted.
    public static let septVEDisable = TDAttributes(rawValue: 1 << 28)
    public static let migratable = TDAttributes(rawValue: 1 << 29)
    public static let protectionKeys = TDAttributes(rawValue: 1 << 30)
    public static let keyLocker = TDAttributes(rawValue: 1 << 31)
    /// TDX Connect provisioning agent.
    public static let connectProvisioningAgent = TDAttributes(rawValue: 1 << 62)
    public static let performanceMonitoring = TDAttributes(rawValue: 1 << 63)

    /// Every bit that has no meaning known here, of the first byte too.
    public static let reserved = TDAttributes(
        rawValue: ~TDAttributes([
            .debug, .hgsPlusProfiling, .performanceProfiling, .telemetryProfiling, .icssd,
            .serviceTDExtension, .linearAddressSpaceSeparation, .septVEDisable, .migratable, .protectionKeys,
            .keyLocker, .connectProvisioningAgent, .performanceMonitoring,
        ]).rawValue)
}
