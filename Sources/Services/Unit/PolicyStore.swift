package import AttestationToken
package import Encoding

/// A verified party policy, and what decides about tokens under it.
package struct TrustedPolicy: Sendable {
    package let policy: PartyPolicy
    /// As signed; what passports embed.
    package let compact: String
    /// By the manifests at hand.
    package let acceptance: Acceptance

    package init(policy: PartyPolicy, compact: String, manifests: [String]) {
        self.policy = policy
        self.compact = compact
        acceptance = Acceptance(policy: policy, manifests: manifests)
    }

    /// - Parameter offered: a manifest that came with the evidence; it counts only if the policy's signers signed it.
    package func acceptance(offered: String?) -> Acceptance { offered.map(acceptance.adding) ?? acceptance }
}

/// The policies that a unit goes by: its own party's, and those of its tenants.
package struct PolicyStore: Sendable {
    /// The policy of whoever runs this unit.
    package let own: TrustedPolicy
    /// By hospital's party id.
    package let tenants: [Digest: TrustedPolicy]

    /// Reads and verifies every policy, and refuses one that is older than one seen before.
    ///
    /// A tenant's id is the digest of the key in its policy, so that the file's name means nothing (architecture rule
    /// 4).
    ///
    /// - Parameter tenants: folder of tenants' policies; nil for a unit without tenants.
    /// - Throws: `endorsement-invalid` for a policy that is unsigned, expired or older than one seen.
    package init(
        _ configuration: UnitConfiguration, tenants folder: String?, at time: Timestamp
    ) throws(Refusal) {
        let memory = try SequenceMemory(path: configuration.sequences)
        let manifests = try UnitFiles.documents(in: configuration.manifests)
        let compact = try UnitFiles.document(configuration.policy, "party policy")
        let policy = try PartyPolicy(own: compact, at: time)
        try memory.admit(policy)
        own = TrustedPolicy(policy: policy, compact: compact, manifests: manifests)
        var tenants: [Digest: TrustedPolicy] = [:]
        for compact in try folder.map({ folder throws(Refusal) in try UnitFiles.documents(in: folder) }) ?? [] {
            let policy = try PartyPolicy(own: compact, at: time)
            try memory.admit(policy)
            tenants[policy.party] = TrustedPolicy(policy: policy, compact: compact, manifests: manifests)
        }
        self.tenants = tenants
    }

    /// Whom this unit's own party and each tenant believes, and how many of them must agree.
    package var authorities: UnitAuthorities {
        UnitAuthorities(own: own.policy.authorities, tenants: tenants.values.map(\.policy.authorities))
    }
}
