package import AttestationToken
package import Attester
import Channel
package import Encoding
import Evidence
import KeyRelease
package import ServiceKit
import ServiceLifecycle
import Synchronization
package import Telemetry

/// A unit's current identity and its renewal.
package final class UnitIdentity: Service, Sendable {
    /// Seconds for which a former epoch still decrypts after it was replaced.
    package static let afterlife: Int64 = 120
    /// Seconds after which an epoch that does not serve every tenant is replaced: long enough that one tenant's services
    /// do not make all others attest this unit again and again.
    package static let retrySeconds: Int64 = 300

    private struct State: Sendable {
        var current: IdentityEpoch?
        var former: (epoch: IdentityEpoch, until: Timestamp)?
        var renewNow = false
    }

    package let role: String
    package let party: Digest
    package let clock: UnitClock
    package let directory: IssuerDirectory
    private let source: any EvidenceSource
    private let attestation: AttestationClient
    private let authorities: @Sendable () -> UnitAuthorities
    private let epochSeconds: Int64
    private let log: Log
    private let state = Mutex(State())
    private let challenges = RateLimit(perSecond: 20, burst: 40)

    /// - Parameter authorities: those of every policy by which others judge this unit.
    package init(
        role: String, party: Digest, source: any EvidenceSource, client: Client, clock: UnitClock,
        directory: IssuerDirectory, epochSeconds: Int64, log: Log,
        authorities: @escaping @Sendable () -> UnitAuthorities
    ) {
        self.role = role
        self.party = party
        self.source = source
        self.clock = clock
        self.directory = directory
        self.attestation = AttestationClient(client: client)
        self.authorities = authorities
        self.epochSeconds = epochSeconds
        self.log = log
    }

    /// The epoch that new work uses.
    ///
    /// - Throws: `not-ready` while there is none, or when its tokens may no longer be used.
    package func current() throws(Refusal) -> IdentityEpoch {
        guard let epoch = state.withLock({ $0.current }) else {
            throw Refusal(.notReady, "this unit has not been attested yet")
        }
        guard try clock.now() < epoch.usableUntil else {
            throw Refusal(.notReady, "this unit's tokens have ended and could not be renewed yet")
        }
        return epoch
    }

    /// The epoch, current or former, whose channel keys include `name`.
    ///
    /// - Throws: `reattestation-required` when no live epoch has that key.
    package func epoch(holding name: Digest) throws(Refusal) -> IdentityEpoch {
        let now = try clock.now()
        let live = state.withLock { state in
            [state.current, state.former.flatMap { $0.until > now ? $0.epoch : nil }].compactMap(\.self)
        }
        for epoch in live where epoch.channelKeys.configurations.contains(where: { $0.name == name }) { return epoch }
        throw Refusal(.reattestationRequired, "no live key has this name; fetch and verify evidence again")
    }

    /// Evidence over the current keys and a challenger's nonce (formats section 2).
    ///
    /// - Throws: `too-many` when challenges come faster than evidence can be made.
    package func evidence(answering nonce: [UInt8]?) async throws(Refusal) -> (
        evidence: AttesterEvidence, runtimeData: RuntimeData, tokens: [String]
    ) {
        let epoch = try current()
        guard let nonce else {
            return (epoch.evidence, epoch.runtimeData, Set(epoch.tokens.values.map(\.compact)).sorted())
        }
        guard challenges.admit() else { throw Refusal(.tooMany, "too many challenges; ask again in a second") }
        let runtimeData = try epoch.runtimeData.answering(nonce: nonce)
        let evidence = try await source.evidence(reportData: runtimeData.reportData)
        return (evidence, runtimeData, [])
    }

    /// Replaces the epoch as a whole.
    package func renew() async throws(Refusal) {
        let next = try await IdentityEpoch.make(
            role: role, party: party, source: source, authorities: authorities(), attestation: attestation,
            directory: directory, clock: clock)
        let until = try clock.now() + UnitIdentity.afterlife
        let ended: IdentityEpoch? = state.withLock { state in
            let ended = state.former?.epoch
            state.former = state.current.map { ($0, until) }
            state.current = next
            state.renewNow = false
            return ended
        }
        ended?.channelKeys.end()
        for refusal in Set(next.unavailable.values) {
            log.warning(
                "a tenant's attestation services do not vouch for this unit",
                [.code: .identifier(refusal.name), .detail: .refusalDetail(refusal.detail)])
        }
        log.info(
            "identity epoch begins",
            [.tee: .identifier(next.evidence.tee.rawValue), .count: .number(next.tokens.count)])
    }

    /// Ends the former epoch's keys when its time is over.
    private func retire() {
        guard let now = try? clock.now() else { return }
        let ended: IdentityEpoch? = state.withLock { state in
            guard let former = state.former, former.until <= now else { return nil }
            state.former = nil
            return former.epoch
        }
        ended?.channelKeys.end()
    }

    /// Asks for a new epoch at the next turn, for example because the replay window is full.
    package func requestRenewal() {
        state.withLock { $0.renewNow = true }
    }

    /// Obtains the first epoch and renews it until shutdown, with back-off while a service does not answer.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await self.keepRenewing()
        }
    }

    private func keepRenewing() async {
        var backOff: Int64 = 1
        while !Task.isCancelled {
            do throws(Refusal) {
                if try isDue() { try await renew() }
                backOff = 1
            } catch {
                log.warning(
                    "no new identity epoch yet",
                    [.code: .identifier(error.name), .detail: .refusalDetail(error.detail)])
                backOff = min(backOff * 2, 30)
            }
            retire()
            try? await Task.sleep(for: .seconds(backOff))
        }
    }

    private func isDue() throws(Refusal) -> Bool {
        let now = try clock.now()
        return state.withLock { state in
            guard let epoch = state.current, !state.renewNow else { return true }
            // Before the tokens end, with room for a step's own time limit (architecture rule 15).
            let age = now - epoch.createdAt
            return age >= epochSeconds || (epoch.usableUntil - now < 600 && age >= 30)
                || (!epoch.servesEveryTenant(until: now + 600) && age >= UnitIdentity.retrySeconds)
        }
    }
}
