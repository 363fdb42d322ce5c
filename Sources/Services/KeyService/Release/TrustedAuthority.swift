package import AttestationToken
import ServiceKit

/// An attestation authority that the configuration of a key service adds: its keys are believed because they come over
/// TLS from a server of that certificate authority, so that a client's own test authority needs no chain of ours.
package struct TrustedAuthority: Hashable, Sendable {
    package var url: String
    /// PEM file of the certificate authorities of its server.
    package var authorities: String
    /// Whether its tokens about simulated environments count.
    package var isSimulated: Bool

    package init(url: String, authorities: String, isSimulated: Bool) {
        self.url = url
        self.authorities = authorities
        self.isSimulated = isSimulated
    }

    /// As a relying party's policy has issuers; without pins, since no certificate vouches for its keys.
    package var issuer: PartyPolicy.Issuer {
        PartyPolicy.Issuer(pins: [], simulated: isSimulated, url: url)
    }

    /// Reads the list `authorities`, of members `url`, `ca` and `simulated`.
    static func read(_ configuration: inout Configuration) throws(ConfigurationError) -> [TrustedAuthority] {
        var authorities: [TrustedAuthority] = []
        for item in try configuration.items("authorities") {
            guard let url = item["url"], AuthorityURL(url) != nil, let file = item["ca"],
                item.keys.allSatisfy(["url", "ca", "simulated"].contains)
            else { throw ConfigurationError("authorities must have an https url and a ca") }
            authorities.append(
                TrustedAuthority(
                    url: url.hasSuffix("/") ? String(url.dropLast()) : url,
                    authorities: configuration.resolve(file), isSimulated: item["simulated"] == "true"))
        }
        return authorities
    }
}
