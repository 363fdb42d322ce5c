package import Encoding

/// What kind of service this is to its clients, and how deleted keys are kept (key API reference, sections 1 and 9).
package struct VaultSettings: Hashable, Sendable {
    package enum Flavour: String, Sendable, CaseIterable {
        /// A vault with software keys only, without release.
        case standard
        case premium
        /// HSM types only, and random bytes.
        case managedHSM = "managed-hsm"
    }

    /// Which deleted keys nobody can purge before their time.
    package enum PurgeProtection: Hashable, Sendable {
        case all
        case only(Set<String>)
    }

    package var flavour: Flavour
    /// Days for which a deleted key can be recovered, 7 to 90.
    package var retentionDays: Int
    package var purgeProtection: PurgeProtection
    /// SHA-256 of the public keys (SPKI) of those who may hold shares of the security domain.
    package var domainHolders: Set<Digest>

    package static let retention = 7...90

    package init(
        flavour: Flavour = .premium, retentionDays: Int = 90, purgeProtection: PurgeProtection = .all,
        domainHolders: Set<Digest> = []
    ) {
        self.flavour = flavour
        self.retentionDays = retentionDays
        self.purgeProtection = purgeProtection
        self.domainHolders = domainHolders
    }

    func isPurgeProtected(_ name: String) -> Bool {
        switch purgeProtection {
        case .all: true
        case .only(let names): names.contains(name)
        }
    }

    /// The attribute `recoveryLevel` of a key.
    func recoveryLevel(_ name: String) -> String {
        (retentionDays < 90 ? "CustomizedRecoverable" : "Recoverable") + (isPurgeProtected(name) ? "" : "+Purgeable")
    }
}
