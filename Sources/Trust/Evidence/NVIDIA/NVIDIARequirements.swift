/// What a relying party asks of an NVIDIA device beyond a genuine report.
public struct NVIDIARequirements: Hashable, Sendable {
    /// Whether the device's certificates must be known not to be withdrawn. Only NVIDIA's OCSP service can tell, which this
    /// verifier does not ask, so every report is refused; ask the service apart and leave this off.
    public var requiresRevocationAnswer = false

    public init() {}
}
