/// What a relying party asks of an AWS Nitro enclave beyond a genuine document.
public struct NitroRequirements: Hashable, Sendable {
    /// Accepted values, 48 bytes each, by PCR index; a PCR that is named and absent or different is refused.
    public var requiredPCRs: [Int: Set<[UInt8]>] = [:]
    /// Oldest document that is accepted, in seconds before the time of verification; nil leaves it to the document's own
    /// certificate, which lives three hours.
    public var maximumAge: UInt32?
    /// How many seconds a document may seem to come from the future.
    public var clockSkew: UInt32 = 60
    /// Accepted user data; nil accepts all.
    public var userData: Set<[UInt8]>?
    /// A document without a public key is refused.
    public var requiresPublicKey = false

    public init() {}
}
