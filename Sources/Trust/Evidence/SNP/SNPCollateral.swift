public import Encoding

/// The certificates and the revocation list that endorse one SNP platform, exactly as received.
///
/// - Source: formats section 8.
public struct SNPCollateral: Hashable, Sendable {
    /// PEM of the VCEK or VLEK.
    public let vek: String
    /// PEM of ASK or ASVK, then ARK.
    public let chain: String
    /// DER; what a policy does about an absent list is `AcceptancePolicy.requireRevocationLists`.
    public let crl: [UInt8]?
    /// SHA-256 over all members with their lengths: what caches of verified collateral go by.
    public let digest: Digest

    public init(vek: String, chain: String, crl: [UInt8]? = nil) {
        self.vek = vek
        self.chain = chain
        self.crl = crl
        // An absent list and an empty one are different content.
        digest = ContentDigest.of([Array(vek.utf8), Array(chain.utf8)] + (crl.map { [$0] } ?? []))
    }

    /// - Throws: `evidence-malformed` for a missing, unknown or wrongly typed member.
    public init(json: JSON) throws(Refusal) {
        var reader = try ObjectReader(json, "SNP collateral", refusing: .evidenceMalformed)
        self.init(
            vek: try reader.string("vek"), chain: try reader.string("chain"),
            crl: reader.has("crl") ? try reader.bytes("crl") : nil)
        try reader.finish()
    }

    public var json: JSON {
        var members: [String: JSON] = ["vek": .string(vek), "chain": .string(chain)]
        if let crl { members["crl"] = .string(Base64.encodeURL(crl)) }
        return .object(members)
    }

    public static func == (left: SNPCollateral, right: SNPCollateral) -> Bool { left.digest == right.digest }
    public func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}
