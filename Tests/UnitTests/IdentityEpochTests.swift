import AttestationToken
import Encoding
import KeyRelease
import ServiceKit
import Testing

@testable import Unit

@Suite struct IdentityEpochTests {
    let own = TestService("https://own.example")
    let shared = TestService("https://shared.example")
    let second = TestService("https://second.example")

    private func set(_ services: TestService..., threshold: Int64 = 1) -> AuthoritySet {
        AuthoritySet(issuers: services.map(\.issuer), threshold: threshold)
    }

    /// An issuer whose keys the policy does not know any more.
    private func outdated(_ service: TestService) -> PartyPolicy.Issuer {
        PartyPolicy.Issuer(pins: [Digest(of: "an older key")], simulated: true, url: service.url)
    }

    private func epoch(
        _ web: TestWeb, own: AuthoritySet, tenants: [AuthoritySet] = []
    ) async throws(Refusal) -> IdentityEpoch {
        let clock = UnitClock(.fixed(TestService.now))
        return try await IdentityEpoch.make(
            role: "medical-platform", party: TestService.party, source: TestSource(),
            authorities: UnitAuthorities(own: own, tenants: tenants), attestation: AttestationClient(client: web),
            directory: IssuerDirectory(client: web, clock: clock), clock: clock)
    }

    private func issuers(_ epoch: IdentityEpoch, for set: AuthoritySet) throws -> [String] {
        try epoch.tokens(accepted: set).map(\.issuer.url)
    }

    private func code(_ epoch: IdentityEpoch, for set: AuthoritySet) -> RefusalCode? {
        do throws(Refusal) {
            _ = try epoch.tokens(accepted: set)
            return nil
        } catch { return error.code }
    }

    @Test func `each policy gets the tokens of its issuers, each service being asked once`() async throws {
        let tenants = [set(shared), set(own, shared, threshold: 2)]
        let web = TestWeb([own, shared])
        let epoch = try await epoch(web, own: set(own), tenants: tenants)
        #expect(try issuers(epoch, for: set(own)) == [own.url])
        #expect(try issuers(epoch, for: tenants[0]) == [shared.url])
        #expect(try issuers(epoch, for: tenants[1]) == [own.url, shared.url])
        #expect(epoch.servesEveryTenant(until: TestService.now + 3_600))
        #expect(!epoch.servesEveryTenant(until: TestService.now + 3_601))
        #expect(web.attested.count == 2)
    }

    @Test func `a tenant whose services do not answer is refused, and nobody else`() async throws {
        var down = shared
        down.isDown = true
        let tenants = [set(down), set(second), set(second, down, threshold: 2)]
        let epoch = try await epoch(TestWeb([own, down, second]), own: set(own), tenants: tenants)
        #expect(try issuers(epoch, for: set(own)) == [own.url])
        #expect(code(epoch, for: tenants[0]) == .unavailable)
        #expect(try issuers(epoch, for: tenants[1]) == [second.url])
        #expect(code(epoch, for: tenants[2]) == .quorumNotMet)
        #expect(throws: Refusal.self) { try epoch.signer(accepted: tenants[0]) }
        #expect(!epoch.servesEveryTenant(until: TestService.now), "it will be tried again")
    }

    @Test func `pins of one tenant that are out of date harm no other that believes the same service`() async throws {
        let tenants = [
            AuthoritySet(issuers: [outdated(shared)]), set(shared), AuthoritySet(issuers: [outdated(own)]),
        ]
        let web = TestWeb([own, shared])
        let epoch = try await epoch(web, own: set(own), tenants: tenants)
        #expect(code(epoch, for: tenants[0]) == .issuerKeysUntrusted)
        #expect(try issuers(epoch, for: tenants[1]) == [shared.url])
        #expect(code(epoch, for: tenants[2]) == .issuerKeysUntrusted)
        #expect(try issuers(epoch, for: set(own)) == [own.url])
        #expect(web.attested.count == 2)
    }

    @Test func `a tenant's service that takes the unit for another party's fails this tenant only`() async throws {
        var liar = shared
        liar.party = Digest(of: "somebody else")
        let web = TestWeb([own, liar])
        let epoch = try await epoch(web, own: set(own), tenants: [set(liar)])
        #expect(code(epoch, for: set(liar)) == .configMismatch)
        #expect(code(epoch, for: set(own)) == nil)
        let refusal = await #expect(throws: Refusal.self) { try await self.epoch(web, own: set(own, liar)) }
        #expect(refusal?.code == .configMismatch, "of its own services none may say so")
    }

    @Test func `tokens of a tenant that end early do not end the unit's own`() async throws {
        var brief = shared
        brief.lifetime = 30
        let epoch = try await epoch(TestWeb([own, brief]), own: set(own), tenants: [set(brief)])
        #expect(epoch.usableUntil == TestService.now + 3_600)
        #expect(!epoch.servesEveryTenant(until: TestService.now + 600))
    }

    @Test("AC-023 without as many of its own services as its policy wants there is no epoch")
    func ownQuorum() async throws {
        var down = shared
        down.isDown = true
        let web = TestWeb([own, down])
        for (authorities, expected) in [
            (set(down), RefusalCode.unavailable), (set(own, down, threshold: 2), .quorumNotMet),
            (AuthoritySet(issuers: [outdated(own)]), .issuerKeysUntrusted),
        ] {
            let refusal = await #expect(throws: Refusal.self) {
                try await self.epoch(web, own: authorities, tenants: [set(own)])
            }
            #expect(refusal?.code == expected)
        }
    }
}
