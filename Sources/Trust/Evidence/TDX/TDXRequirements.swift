/// What a relying party asks of a trust domain beyond the TCB status of its platform.
///
/// By default the host must not be able to make the TD take faults on accepted memory (SEPT_VE_DISABLE), no service TD
/// may be bound to it, and nothing may be on that is not known here. Allow-lists: nil accepts all; values have 48 bytes.
public struct TDXRequirements: Hashable, Sendable {
    /// Attributes that must be on.
    public var requiredAttributes: TDAttributes = .septVEDisable
    /// Attributes that must be off, for example `protectionKeys`, `keyLocker`, `performanceMonitoring`. Debug has a member
    /// of its own in `AcceptancePolicy`.
    public var refusedAttributes: TDAttributes = .reserved.subtracting(.underDebug)
    /// Bits of XFAM that may be on.
    public var allowedXFAM: UInt64 = TDXRequirements.knownXFAM
    public var mrSeams: Set<[UInt8]>?
    public var mrTDs: Set<[UInt8]>?
    public var mrConfigIDs: Set<[UInt8]>?
    public var mrOwners: Set<[UInt8]>?
    public var mrOwnerConfigs: Set<[UInt8]>?
    /// 48 zero bytes for no service TD. TD 1.0 has no such field and passes.
    public var mrServiceTDs: Set<[UInt8]>? = [[UInt8](repeating: 0, count: TDReport.Layout.measurementBytes)]
    /// By index, 0 to 3; a register without an entry may have any value.
    public var rtmrs: [Int: Set<[UInt8]>] = [:]

    public init() {}

    /// Extended features that TDX modules virtualise: x87, SSE, AVX, AVX-512, PT, PKRU, CET, UINTR, LBR, AMX and APX.
    ///
    /// - Source: Intel TDX module base specification, "Extended Features Management"; Intel SDM volume 1, section 13.1.
    public static let knownXFAM: UInt64 = 0x000e_dbe7
}
