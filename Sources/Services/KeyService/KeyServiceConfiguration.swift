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
    /// Folder of everything durable: database, master key, release signing keys, audit log.
    package var state: String
    /// Files with one bearer token each.
    package var administratorToken: String
    package var releaseToken: String
    /// `https://host[:port]` under which clients know the service: the name in the release certificate.
    package var url: String
    package var host: String
    package var challenge: Challenge

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
        do throws(Refusal) {
            challenge = try Challenge(authorization: authorization, resource: resource)
        } catch {
            throw ConfigurationError(error.detail)
        }
    }
}
