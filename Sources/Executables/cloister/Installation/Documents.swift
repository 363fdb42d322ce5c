import AttestationToken
import Crypto
import Encoding
import Evidence

/// The documents by which the parties know each other: cards, policies, manifests (`formats.md` section 6).
///
/// Each party signs its own policy from its own card and the cards that the others gave it.
struct Documents {
    let state: StateFolder
    let ports: Ports
    let parties: [Party: PartyKeys]
    let now: Timestamp

    /// Issued policies last this long; they are issued anew when less than `renewal` is left.
    private static let lifetime: Int64 = 89 * 86_400
    private static let renewal: Int64 = 30 * 86_400

    /// What may leave the platform unit to the diagnostics unit.
    private static let releasedFields = ["columns", "pixelSpacing", "pixels", "rescale", "rows", "sliceThickness"]

    func policyPath(_ party: Party) -> String { state.party(party, "policy.jws") }
    func cardPath(_ party: Party) -> String { state.party(party, "card.json") }
    func manifestPath(_ unit: String, of party: Party) -> String {
        state.party(party, "config/manifests/\(unit).jws")
    }

    func keys(_ party: Party) throws(CommandFailure) -> PartyKeys {
        guard let keys = parties[party] else { throw CommandFailure("there are no keys of the \(party.rawValue)") }
        return keys
    }

    // MARK: Cards

    /// Writes the card of every party from what its services have published about themselves.
    func writeCards(manifests: [Party: ReleaseManifest]) throws(CommandFailure) {
        for party in Party.allCases {
            let keys = try keys(party)
            var card = PartyCard(party: keys.id, name: party.title)
            if party == .hospital, let issuer = try issuer() { card.issuers = [issuer] }
            if let pin = try keyService(of: party) { card.keyServices = [pin] }
            if let manifest = manifests[party] {
                card.releaseSigners = [
                    .init(key: JWK(keys.release.publicKey), leastSequence: manifest.sequence, unit: manifest.unit)
                ]
            }
            try Files.update(card.json.canonical, to: cardPath(party))
        }
    }

    private func card(_ party: Party) throws(CommandFailure) -> PartyCard {
        do throws(Refusal) { return try PartyCard(parsing: try bytes(cardPath(party))) } catch {
            throw CommandFailure("the card of the \(party.rawValue): \(error)")
        }
    }

    private func bytes(_ path: String) throws(Refusal) -> [UInt8] {
        do throws(CommandFailure) { return try Files.read(path, maximumBytes: 1 << 20) } catch {
            throw Refusal(.notFound, error.problem)
        }
    }

    /// What the attestation service wrote about itself at its first start; nil before.
    private func issuer() throws(CommandFailure) -> PartyPolicy.Issuer? {
        guard let (url, pins) = try published("hospital/state/attestation-service/issuer.json") else { return nil }
        return PartyPolicy.Issuer(pins: pins, simulated: true, url: url)
    }

    private func keyService(of party: Party) throws(CommandFailure) -> PartyPolicy.KeyServicePin? {
        guard let (url, pins) = try published("\(party.rawValue)/state/key-service/keyservice.json") else { return nil }
        return PartyPolicy.KeyServicePin(pins: pins, url: url)
    }

    private func published(_ relative: String) throws(CommandFailure) -> (url: String, pins: [Encoding.Digest])? {
        let path = state[relative]
        guard Files.exists(path) else { return nil }
        let json = try Files.json(path)
        let pins = (json["pins"]?.strings ?? []).compactMap { Encoding.Digest($0) }
        guard let url = json["url"]?.string, !pins.isEmpty else {
            throw CommandFailure("\(path) does not name a service and its pins")
        }
        return (url, pins)
    }

    // MARK: Policies

    /// Signs the policy of every party from the cards; a policy whose content is still right stays as it is.
    ///
    /// - Parameter enrolment: digests of the secrets that open the hospital's first accounts.
    /// - Returns: the parties that have a new policy.
    @discardableResult
    func issuePolicies(enrolment: [Encoding.Digest]) throws(CommandFailure) -> Set<Party> {
        let hospital = try card(.hospital)
        let platform = try card(.platform)
        let provider = try card(.provider)
        let platformPeer = PartyPolicy.Peer(party: platform.party, role: Service.platform.executable)
        let providerPeer = PartyPolicy.Peer(party: provider.party, role: Service.diagnostics.executable)
        let signers = platform.releaseSigners + provider.releaseSigners
        var changed: Set<Party> = []
        for party in Party.allCases {
            var policy = PartyPolicy(
                party: try keys(party).id, sequence: 1, notBefore: now - 300, notAfter: now + Documents.lifetime,
                issuers: hospital.issuers, releaseSigners: signers)
            switch party {
            case .hospital:
                policy.keyServices = hospital.keyServices
                policy.peers = [platformPeer, providerPeer]
                policy.fields = Documents.releasedFields
                policy.enrolment = enrolment
            case .platform:
                policy.peers = [providerPeer]
                policy.fields = Documents.releasedFields
            case .provider:
                policy.keyServices = provider.keyServices
                policy.peers = [platformPeer]
            }
            if try issue(policy, of: party) { changed.insert(party) }
        }
        return changed
    }

    /// The policy that is in force; nil before the first.
    func policy(_ party: Party) -> PartyPolicy? {
        guard let compact = try? Files.line(policyPath(party)),
            let jws = try? JWS(compact: compact, maximumBytes: PartyPolicy.maximumBytes),
            let json = try? JSON.parse(jws.payload), let start = json["notBefore"]?.integer
        else { return nil }
        return try? PartyPolicy(own: compact, at: Timestamp(seconds: start))
    }

    private func issue(_ wanted: PartyPolicy, of party: Party) throws(CommandFailure) -> Bool {
        var wanted = wanted
        if let existing = policy(party) {
            var comparable = wanted
            comparable.sequence = existing.sequence
            comparable.notBefore = existing.notBefore
            comparable.notAfter = existing.notAfter
            if comparable == existing, now + Documents.renewal < existing.notAfter { return false }
            wanted.sequence = existing.sequence + 1
        }
        let compact: String
        do throws(Refusal) { compact = try wanted.sign(with: try keysForSigning(party)) } catch {
            throw CommandFailure("the policy of the \(party.rawValue): \(error)")
        }
        try Files.write((compact + "\n").utf8, to: policyPath(party))
        return true
    }

    private func keysForSigning(_ party: Party) throws(Refusal) -> P256.Signing.PrivateKey {
        guard let keys = parties[party] else { throw Refusal(.notFound, "there are no keys of this party") }
        return keys.policy
    }

    // MARK: Manifests

    /// Measures the units' executables; each vendor signs a manifest for a build that it has not signed before.
    func updateManifests(_ resources: Resources) throws(CommandFailure) -> [Party: ReleaseManifest] {
        var manifests: [Party: ReleaseManifest] = [:]
        for (party, service) in [(Party.platform, Service.platform), (.provider, .diagnostics)] {
            let builder = ReleaseBuilder(
                unit: service.executable, executable: try resources.executable(service.executable),
                libraries: service == .diagnostics ? [try resources.requireRuntime()] : [])
            let compact = try builder.update(
                manifestPath(service.executable, of: party), key: try keys(party).release, at: now)
            do throws(Refusal) { manifests[party] = try ReleaseManifest(unverified: compact) } catch {
                throw CommandFailure("\(error)")
            }
        }
        return manifests
    }

    /// Hands every party what the others publish: the one act across folders (architecture section 11 rule 6).
    func distribute() throws(CommandFailure) {
        for (unit, owner) in [
            (Service.platform.executable, Party.platform), (Service.diagnostics.executable, .provider),
        ] {
            let manifest = try Files.read(manifestPath(unit, of: owner), maximumBytes: 1 << 20)
            for reader in [Party.platform, .provider] where reader != owner {
                try Files.update(manifest, to: manifestPath(unit, of: reader))
            }
        }
        try Files.update(
            try Files.read(policyPath(.hospital), maximumBytes: 1 << 20),
            to: state.party(.platform, "config/tenants/hospital.jws"))
        // A key's owner gives the unit's operator a credential that may do nothing but ask for releases.
        try Files.update(
            try Files.read(state.party(.hospital, "keys/release-token"), maximumBytes: 1_024),
            to: state.party(.platform, "config/credentials/localhost_\(ports[Service.keys.rawValue]).token"))
        try Files.update(
            try Files.read(state.party(.provider, "keys/release-token"), maximumBytes: 1_024),
            to: state.party(.provider, "config/credentials/localhost_\(ports[Service.providerKeys.rawValue]).token"))
    }
}
