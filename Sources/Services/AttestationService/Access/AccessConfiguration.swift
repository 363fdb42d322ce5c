import Access
import Encoding
import ServiceKit

/// Who may read and change policies: files with bearer tokens of this service's own, an OpenID Connect issuer, or both.
package struct AccessConfiguration: Sendable {
    /// Files with one bearer token each, mode 0600.
    package var contributorToken: String?
    package var readerToken: String?
    /// Whether attest calls need a bearer token too.
    package var attestNeedsToken = false
    package var issuer: Issuer?

    /// An OpenID Connect issuer of access tokens.
    package struct Issuer: Sendable {
        package var url: String
        package var audience: String
        /// Path of a file with its JWK set, or the https URL of one.
        package var keys: String
        /// PEM file of the authorities of that URL's certificate; nil for the system's.
        package var authorities: String?
        package var roleClaim: String
        package var contributorRole: String
        package var readerRole: String
    }

    package init() {}

    /// Reads the block `access`.
    init(_ configuration: inout Configuration) throws(ConfigurationError) {
        contributorToken = try configuration.optionalPath("access.contributorToken")
        readerToken = try configuration.optionalPath("access.readerToken")
        let attestNeedsToken = try configuration.string("access.attestNeedsToken", default: "false")
        guard ["true", "false"].contains(attestNeedsToken) else {
            throw ConfigurationError("access.attestNeedsToken is true or false")
        }
        self.attestNeedsToken = attestNeedsToken == "true"
        guard let url = try configuration.optionalString("access.issuer") else { return }
        let keys = try configuration.string("access.keys")
        issuer = Issuer(
            url: url, audience: try configuration.string("access.audience", default: "https://attest.azure.net"),
            keys: keys.hasPrefix("https://") ? keys : configuration.resolve(keys),
            authorities: try configuration.optionalPath("access.ca"),
            roleClaim: try configuration.string("access.roleClaim", default: "roles"),
            contributorRole: try configuration.string(
                "access.contributorRole", default: "Attestation Contributor"),
            readerRole: try configuration.string("access.readerRole", default: "Attestation Reader"))
    }
}

extension AccessConfiguration {
    /// The client that fetches the issuer's keys; nil where they are in a file.
    func client() throws -> Client? {
        guard let issuer, issuer.keys.hasPrefix("https://") else { return nil }
        return try Client(authorities: issuer.authorities, allowsTLS12: true)
    }

    /// - Parameter client: what `client()` made.
    /// - Throws: `insecure-configuration`.
    func control(_ client: Client?) throws(Refusal) -> AccessControl {
        var contributor: String?
        var reader: String?
        if let contributorToken { contributor = try TokenFile.read(contributorToken) }
        if let readerToken { reader = try TokenFile.read(readerToken) }
        return try AccessControl(
            contributorToken: contributor, readerToken: reader, issuer: issuer.map { Self.issuer($0, client) })
    }

    private static func issuer(_ settings: Issuer, _ client: Client?) -> AccessTokenIssuer {
        AccessTokenIssuer(
            issuer: settings.url, audience: settings.audience, roleClaim: settings.roleClaim,
            contributorRole: settings.contributorRole, readerRole: settings.readerRole,
            keys: AccessTokenKeys(source: settings.keys, client: client))
    }
}
