import Access
import Audit
import Encoding
import ServiceKit

// The security domain in the hands of several holders: so many of them recover it in another service, which then opens
// the backups of this one. Azure has the same under /securitydomain, in forms of its own.
extension KeyVault {
    private static let maximumHolders = 10

    /// `POST /securitydomain/download`: `{"certificates":[base64 DER …],"required":n}`.
    func downloadDomain(_ call: Call, _ decision: inout KeyDecision) async throws(APIError) -> ServerResponse {
        let body = try call.body()
        let certificates = try body.strings("certificates")?.compactMap { Base64.decode($0, .lenient) } ?? []
        guard let required = try body.integer("required"),
            certificates.count == (try body.strings("certificates"))?.count,
            (2...KeyVault.maximumHolders).contains(certificates.count), (2...certificates.count).contains(required),
            Set(certificates).count == certificates.count
        else {
            throw .badParameter(
                "certificates are 2 to \(KeyVault.maximumHolders) different ones, base64 of DER, and required is a number from 2 to theirs."
            )
        }
        do throws(Refusal) {
            let keys = Set(try certificates.map { der throws(Refusal) in try DomainShare.holder(der).pin })
            guard keys.count == certificates.count, keys.isSubset(of: settings.domainHolders) else {
                throw Refusal(
                    .scopeInsufficient, "The security domain is shared among the holders that the configuration names.")
            }
        } catch { throw APIError(error) }
        let domain = try await store.domain()
        let shares = domain.secret.withBytes { secret in
            SecretSharing.split(secret, count: certificates.count, threshold: required, randomness: randomness)
        }
        var sealed: [JSON] = []
        do throws(Refusal) {
            for (share, certificate) in zip(shares, certificates) {
                let one = DomainShare(domain: domain.id, required: required, share: share)
                sealed.append(.string(try one.sealed(for: certificate, randomness: randomness)))
            }
        } catch { throw APIError(error) }
        return .json([
            "domain": .string(domain.id.description), "required": .integer(Int64(required)), "shares": .array(sealed),
        ])
    }

    /// `POST /securitydomain/upload`: `{"shares":[…]}` with what the holders opened. Only a service without keys takes
    /// a domain: its own backups would not open any more.
    func uploadDomain(_ call: Call, _ decision: inout KeyDecision) async throws(APIError) -> ServerResponse {
        let body = try call.body()
        guard let list = body.value("shares")?.array, (2...KeyVault.maximumHolders).contains(list.count) else {
            throw .badParameter("shares is a list of 2 to \(KeyVault.maximumHolders) shares.")
        }
        let recovered: SecurityDomain
        let secret: [UInt8]
        do throws(Refusal) {
            let shares = try list.map { json throws(Refusal) in try DomainShare(json) }
            guard let first = shares.first, shares.count >= first.required,
                shares.allSatisfy({ $0.domain == first.domain && $0.required == first.required })
            else { throw Refusal(.requestMalformed, "The shares are too few, or of different domains.") }
            secret = try SecretSharing.combine(shares.map(\.share))
            recovered = try SecurityDomain(bytes: secret)
            guard recovered.id == first.domain else {
                throw Refusal(.requestMalformed, "The shares do not give the domain that they name.")
            }
        } catch { throw APIError(error) }
        try await change(&decision) { keys in
            guard try keys.isEmpty() else {
                throw Refusal(.conflict, "Only a service without keys takes the security domain of another.")
            }
            try keys.setDomain(secret)
        }
        return .json(["domain": .string(recovered.id.description)])
    }
}
