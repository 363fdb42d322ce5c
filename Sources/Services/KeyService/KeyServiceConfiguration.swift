import Access
import AttestationToken
package import Encoding
package import ServiceKit

/// Where the things of one key service are. What it trusts comes from the owner's party policy alone (architecture
/// rule 2).
package struct KeyServiceConfiguration: Sendable {
    package var listen: Listen
    /// Id of the party that owns the keys.
    package var party: Digest
    /// File of that party's policy.
    package var policy: String
    /// PEM file of the authorities of the attestation services' TLS certificates.
    package var authorities: String
    /// Folder of everything durable: database, master key, audit log.
    package var state: String
    /// Files with one bearer token each.
    package var administratorToken: String
    package var releaseToken: String
    /// `https://host[:port]` under which clients know the service: the name in the release certificate.
    package var url: String
    package var host: String
    package var challenge: Challenge
    package var settings: VaultSettings
    package var masterKey: MasterKeyLocation
    /// Attestation authorities beside those of the party policy.
    package var furtherAuthorities: [TrustedAuthority]
    /// Whose access tokens are taken beside the two tokens of this service's own; nil for nobody's.
    package var access: Access?

    /// An OpenID Connect issuer.
    package struct Access: Sendable {
        package var issuer: String
        package var audiences: Set<String>
        /// The claim that names callers, to whom roles are assigned: `sub`, or `oid` at Entra.
        package var subjectClaim: String
        /// Path of a file with its JWK set, or the https URL of one.
        package var keys: String
        /// PEM file of the authorities of that URL's certificate; nil for the system's.
        package var authorities: String?
    }

    package init(_ configuration: inout Configuration) throws(ConfigurationError) {
        listen = try Listen(&configuration)
        guard let party = Digest(try configuration.string("party")) else {
            throw ConfigurationError("party must be a party id, 43 characters of base64url")
        }
        self.party = party
        policy = try configuration.path("policy")
        authorities = try configuration.path("ca")
        state = try configuration.path("state")
        administratorToken = try configuration.path("administratorToken")
        releaseToken = try configuration.path("releaseToken")
        url = try configuration.string("host")
        guard let parsed = AuthorityURL(url), parsed.path.isEmpty, !url.hasSuffix("/") else {
            throw ConfigurationError("host must be a URL of the form https://name:port")
        }
        host = parsed.host
        let authorization = try configuration.string("challenge.authorization", default: "\(url)/\(party)")
        let resource = try configuration.string("challenge.resource", default: url)
        settings = try VaultSettings(&configuration)
        masterKey = try MasterKeyLocation(&configuration)
        furtherAuthorities = try TrustedAuthority.read(&configuration)
        access = try Access(&configuration, resource: resource)
        listen.clientAuthorities = try configuration.optionalPath("access.clientCA")
        do throws(Refusal) {
            challenge = try Challenge(authorization: authorization, resource: resource)
        } catch {
            throw ConfigurationError(error.detail)
        }
    }
}

extension KeyServiceConfiguration.Access {
    /// Reads the block `access`; nil when there is none.
    fileprivate init?(_ configuration: inout Configuration, resource: String) throws(ConfigurationError) {
        guard let issuer = try configuration.optionalString("access.issuer") else { return nil }
        self.issuer = issuer
        let keys = try configuration.string("access.keys")
        self.keys = keys.hasPrefix("https://") ? keys : configuration.resolve(keys)
        authorities = try configuration.optionalPath("access.ca")
        subjectClaim = try configuration.string("access.subjectClaim", default: "sub")
        guard AccessTokens.subjectClaims.contains(subjectClaim) else {
            throw ConfigurationError("access.subjectClaim is sub or oid")
        }
        // Clients ask for the resource of the challenge, some with a slash after it.
        let audience = try configuration.string("access.audience", default: resource)
        audiences = [audience, audience.hasSuffix("/") ? String(audience.dropLast()) : audience + "/"]
    }
}

extension VaultSettings {
    /// Reads `flavour`, `retentionDays` and `purgeProtection`: `all`, or the names of the keys that have it.
    fileprivate init(_ configuration: inout Configuration) throws(ConfigurationError) {
        let name = try configuration.string("flavour", default: Flavour.premium.rawValue)
        guard let flavour = Flavour(rawValue: name) else {
            throw ConfigurationError("flavour must be standard, premium or managed-hsm")
        }
        let days = try configuration.integer("retentionDays", default: 90)
        guard VaultSettings.retention.contains(days) else {
            throw ConfigurationError("retentionDays must be from 7 to 90")
        }
        let isNamed = configuration.has("purgeProtection")
        let names = try configuration.strings("purgeProtection")
        let holders = try configuration.strings("domainHolders")
        let pins = holders.compactMap { Digest($0) }
        guard pins.count == holders.count else {
            throw ConfigurationError("domainHolders are SHA-256 of public keys, 43 characters of base64url each")
        }
        self.init(
            flavour: flavour, retentionDays: days,
            purgeProtection: !isNamed || names == ["all"] ? .all : .only(Set(names)), domainHolders: Set(pins))
    }
}
