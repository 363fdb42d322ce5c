/// What a relying party asks of an Intel platform, under SGX and TDX, beyond its TCB status. The PCK certificate of a
/// Processor CA says nothing about configuration; there a refused property counts as present.
public struct DCAPRequirements: Hashable, Sendable {
    public var refusesDynamicPlatform = false
    public var refusesCachedKeys = false
    public var refusesSMT = false
    /// Platform provisioning ids that are accepted, 16 bytes each; nil accepts all.
    public var ppids: Set<[UInt8]>?

    public init() {}

    /// What about the platform is refused, in words.
    func faults(_ chain: PCKChain?) -> [String] {
        guard let platform = chain?.platform else { return [] }
        var faults: [String] = []
        if refusesDynamicPlatform, platform.isDynamicPlatform ?? true { faults.append("dynamic platform") }
        if refusesCachedKeys, platform.hasCachedKeys ?? true { faults.append("cached keys") }
        if refusesSMT, platform.hasSMT ?? true { faults.append("SMT") }
        if let ppids, !ppids.contains(platform.ppid) { faults.append("PPID not on the list") }
        return faults
    }
}
