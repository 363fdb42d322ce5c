public import Encoding
import Evidence

/// Decides whether verified tokens are of a unit that a party's policy accepts, for a role, by its release manifests
/// (`formats.md` section 6, "A token is accepted").
public struct Acceptance: Sendable {
    private struct Release: Sendable {
        let manifest: ReleaseManifest
        let signer: PartyPolicy.ReleaseSigner
    }

    /// Why a manifest does not count, by the unit that it speaks of.
    private struct Rejection: Sendable {
        let unit: String?
        let refusal: Refusal
    }

    public let policy: PartyPolicy
    private var read: Set<String> = []
    private var releases: [Release] = []
    private var rejections: [Rejection] = []

    /// - Parameter manifests: compact forms. Those that are malformed or that the policy's release signers did not
    ///   sign never count; `accept` says so when nothing else matches.
    public init(policy: PartyPolicy, manifests: [String]) {
        self.policy = policy
        for compact in manifests { add(compact) }
    }

    /// With one manifest more, which is not verified again where it is known.
    public func adding(_ manifest: String) -> Acceptance {
        var wider = self
        wider.add(manifest)
        return wider
    }

    private mutating func add(_ compact: String) {
        guard read.insert(compact).inserted else { return }
        do throws(Refusal) {
            let (manifest, signer) = try ReleaseManifest.verified(compact: compact, signers: policy.releaseSigners)
            releases.append(Release(manifest: manifest, signer: signer))
        } catch {
            let unit = (try? ReleaseManifest(unverified: compact))?.unit
            rejections.append(Rejection(unit: unit, refusal: error))
        }
    }

    /// Manifests that the policy's signers signed.
    public var manifests: [ReleaseManifest] { releases.map(\.manifest) }

    /// Accepts one token under a policy whose threshold is one.
    ///
    /// - Parameters:
    ///   - role: the unit that it must be.
    ///   - pinnedParty: a party that the caller pins itself, as the portal does with its platform.
    ///   - time: the moment at which the token must be usable.
    /// - Throws: `token-issuer`, `token-time`, `grade-insufficient`, `quorum-not-met`, `debug-enabled`,
    ///   `config-mismatch`, `role-mismatch`, `instance-mismatch`, `measurement-unknown`, `endorsement-invalid`,
    ///   `svn-too-low`, `measurement-revoked`: the first that applies, in this order.
    @discardableResult
    public func accept(
        _ token: AttestationToken, role: String, pinnedParty: Digest? = nil, at time: Timestamp
    ) throws(Refusal) -> ReleaseManifest {
        try accept([token], role: role, pinnedParty: pinnedParty, at: time)
    }

    /// Accepts tokens of several issuers about one unit: those of the policy's issuers must agree, and be of as many
    /// independent ones as its threshold.
    ///
    /// - Parameter refused: why others of the unit's tokens did not verify, for the refusal's text.
    /// - Throws: as for one token; `quorum-not-met` also when they speak of different units or releases.
    @discardableResult
    public func accept(
        _ tokens: [AttestationToken], refused: [Refusal] = [], role: String, pinnedParty: Digest? = nil,
        at time: Timestamp
    ) throws(Refusal) -> ReleaseManifest {
        var counted: [AttestationToken] = []
        var refused = refused
        for token in tokens {
            do throws(Refusal) {
                try requireIssuer(token, at: time)
                counted.append(token)
            } catch { refused.append(error) }
        }
        try policy.authorities.requireQuorum(counted.map(\.issued), refused: refused)
        var accepted: ReleaseManifest?
        for token in counted {
            let manifest = try release(of: token, role: role, pinnedParty: pinnedParty)
            guard accepted.map({ $0 == manifest }) ?? true else {
                throw Refusal(.quorumNotMet, "the issuers disagree about the release")
            }
            accepted = manifest
        }
        guard let accepted else { throw Refusal(.quorumNotMet, "no token was given") }
        return accepted
    }
}

// MARK: Steps

extension Acceptance {
    /// The token may have been verified under another policy, or some time ago.
    private func requireIssuer(_ token: AttestationToken, at time: Timestamp) throws(Refusal) {
        guard
            let issuer = policy.issuers.first(where: {
                $0.url == token.issuer.url && $0.pins.contains(token.issued.issuerPin)
            })
        else {
            throw Refusal(.tokenIssuer, "the policy does not accept this issuer")
        }
        guard time - IssuedToken.leeway <= token.usableUntil else {
            throw Refusal(.tokenTime, "the token was usable until \(token.usableUntil)")
        }
        guard token.grade == .hardware || issuer.simulated else {
            throw Refusal(.gradeInsufficient, "the policy wants hardware evidence of this issuer, seen simulated")
        }
    }

    private func release(
        of token: AttestationToken, role: String, pinnedParty: Digest?
    ) throws(Refusal) -> ReleaseManifest {
        guard !token.isDebuggable else { throw Refusal(.debugEnabled, "the unit is debuggable") }
        try requireParty(token, role: role, pinnedParty: pinnedParty)
        let release = try matching(token, role: role)
        let sequence = release.manifest.sequence
        guard sequence >= release.signer.leastSequence else {
            throw Refusal(
                .svnTooLow, "release \(sequence) of \(role) is below \(release.signer.leastSequence)")
        }
        guard !release.signer.withdrawn.contains(sequence) else {
            throw Refusal(.measurementRevoked, "release \(sequence) of \(role) is withdrawn")
        }
        return release.manifest
    }

    private func requireParty(_ token: AttestationToken, role: String, pinnedParty: Digest?) throws(Refusal) {
        let runtime = token.runtimeData
        let padding = [UInt8](repeating: 0, count: max(0, token.hostData.count - 32))
        guard token.hostData == runtime.party.bytes + padding else {
            throw Refusal(.configMismatch, "the host data is not the party in the runtime data")
        }
        guard runtime.role == role else {
            throw Refusal(.roleMismatch, "the unit is \(runtime.role), expected \(role)")
        }
        guard
            runtime.party == policy.party || runtime.party == pinnedParty
                || policy.peers.contains(PartyPolicy.Peer(party: runtime.party, role: role))
        else { throw Refusal(.instanceMismatch, "the policy names no peer \(runtime.party) as \(role)") }
    }

    /// The release with the highest sequence whose measurement is the token's.
    private func matching(_ token: AttestationToken, role: String) throws(Refusal) -> Release {
        let matches = releases.filter { release in
            release.manifest.unit == role
                && release.manifest.measurements.contains { measurement in
                    measurement.tee == token.tee && measurement.grade == token.grade
                        && measurement.claims.allSatisfy { token.claims[$0.key] == $0.value }
                }
        }
        if let best = matches.max(by: { $0.manifest.sequence < $1.manifest.sequence }) { return best }
        if let rejection = rejections.first(where: { $0.unit == nil || $0.unit == role }) { throw rejection.refusal }
        throw Refusal(.measurementUnknown, "no release of \(role) has this measurement")
    }
}
