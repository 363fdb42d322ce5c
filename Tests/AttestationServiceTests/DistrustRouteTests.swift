import AttestationService
import AttestationToken
import Encoding
import Evidence
import HTTPTypes
import ServiceKit
import SimulatedTEE
import TestSupport
import Testing

/// The drill at the service's routes: a command, refused evidence, a published list, and a relying party that obeys it.
struct DistrustRouteTests {
    let service: Service

    init() throws { service = try Service() }

    private func command(
        _ method: HTTPRequest.Method, _ path: String, _ body: JSON? = nil, token: String? = Service.contributorToken
    ) async -> Answer {
        var headers: HTTPFields = [:]
        if let token { headers[.authorization] = "Bearer \(token)" }
        return Answer(
            await service.handler.respond(
                to: ServerRequest(method, path, headers: headers, body: body?.canonical ?? [])))
    }

    private func add(_ mark: String, token: String? = Service.contributorToken) async -> Answer {
        await command(.post, "/distrust", ["mark": .string(mark)], token: token)
    }

    private func list(of service: Service? = nil) async throws -> RevocationList {
        let service = service ?? self.service
        let response = await service.handler.respond(to: ServerRequest(.get, "/revocations"))
        try #require(response.status == 200)
        return try RevocationList(
            compact: String(decoding: response.body, as: UTF8.self),
            issuer: PartyPolicy.Issuer(pins: [service.keys.pin], simulated: true, url: service.issuer),
            keySet: try IssuerKeySet(json: service.authority.keySet), at: service.clock.wall.now())
    }

    @Test("AC-022 AC-030 a distrusted family gets no token, and a relying party refuses those it had")
    func drill() async throws {
        let token = try #require(await service.post(try Sample.snp()).token)
        let claims = try JSON.parse(JWS(compact: token, maximumBytes: 65_536).payload)
        #expect(claims["x-cloister-revocable"] == true)
        #expect(try await list().tokens.isEmpty)
        let answer = await add("family:Milan")
        #expect(answer.status == 200)
        #expect(answer.body == ["mark": "family:milan", "revoked": 1])
        let refused = await service.post(try Sample.snp())
        #expect(refused.status == 400)
        #expect(refused.refusal == "family-distrusted")
        #expect(await service.post(sgxRoute, try Sample.sgx()).status == 200)
        let list = try await list()
        #expect(list.tokens == [try #require(claims["jti"]?.string)])
        let issuer = PartyPolicy.Issuer(pins: [service.keys.pin], simulated: true, url: Service.url)
        let keySets = [Service.url: try IssuerKeySet(json: service.authority.keySet)]
        let refusal = #expect(throws: Refusal.self) {
            try AttestationToken.verify(
                token, issuers: [issuer], keySets: keySets, revocations: [Service.url: list], at: Service.now)
        }
        #expect(refusal?.code == .tokenRevoked)
        #expect(await command(.delete, "/distrust/family:milan").status == 200)
        #expect(await service.post(try Sample.snp()).status == 200)
    }

    @Test func `every kind of mark of a piece of evidence stops it, and only while it is distrusted`() async throws {
        let request = try Sample.snp()
        for mark in ["measurement:\(Hex.encode(Sample.measurement.launch))", "family:milan", "family:genoa"] {
            #expect(await add(mark).status == 200)
            let isOther = mark == "family:genoa"
            #expect(await service.post(request).status == (isOther ? 200 : 400), "\(mark)")
            #expect(await command(.delete, "/distrust/\(mark)").status == 200)
        }
        #expect(await service.post(request).status == 200)
    }

    @Test(
        "AC-023 one unit's evidence at two instances: with a threshold of two both must vouch, and one that distrusts it stops it"
    )
    func twoInstances() async throws {
        let other = try Service(issuer: "https://second.example:8443", folder: TemporaryFolder())
        let both = [service, other]
        let authorities = AuthoritySet(
            issuers: both.map { PartyPolicy.Issuer(pins: [$0.keys.pin], simulated: true, url: $0.issuer) }, threshold: 2
        )
        let keySets = Dictionary(
            uniqueKeysWithValues: try both.map { ($0.issuer, try IssuerKeySet(json: $0.authority.keySet)) })
        let lists = try await [service.issuer: list(), other.issuer: list(of: other)]
        func verify(_ tokens: [String], _ lists: [String: RevocationList]) -> RefusalCode? {
            do throws(Refusal) {
                _ = try authorities.verify(tokens, keySets: keySets, revocations: lists, at: Service.now)
                return nil
            } catch { return error.code }
        }
        let evidence = try Sample.snp(["tokenAlgorithm": "ES256"])
        let tokens = [
            try #require(await service.post(evidence).token), try #require(await other.post(evidence).token),
        ]
        #expect(verify(tokens, lists) == nil)
        #expect(verify([tokens[0]], lists) == .quorumNotMet)
        #expect(await add("family:milan").status == 200)
        #expect(verify(tokens, try await [service.issuer: list(), other.issuer: list(of: other)]) == .quorumNotMet)
        #expect(await service.post(evidence).refusal == "family-distrusted")
        #expect(await other.post(evidence).status == 200)
    }

    @Test func `commands need a contributor, what is distrusted a reader`() async throws {
        #expect(await add("family:milan", token: nil).status == 401)
        #expect(await add("family:milan", token: Service.readerToken).status == 401)
        #expect(await command(.delete, "/distrust/family:milan", token: Service.readerToken).status == 401)
        #expect(await command(.get, "/distrust", token: nil).status == 401)
        let seen = await command(.get, "/distrust", token: Service.readerToken)
        #expect(seen.body == ["distrusted": []])
        #expect(await service.post(try Sample.snp()).status == 200)
    }

    @Test func `a command of another form is refused`() async throws {
        // Forms that no evidence has are slips: to say that they are distrusted would be no help.
        for mark in [
            "", "milan", "cpu:milan", "family:mi lan", "family:milano", "chip:0102", "certificate:ab:cd",
            "measurement:00",
        ] { #expect(await add(mark).status == 400) }
        let fingerprint = (0..<32).map { _ in "AB" }.joined(separator: ":")
        #expect(
            await add("certificate:\(fingerprint)").body["mark"]
                == .string("certificate:" + String(repeating: "ab", count: 32)))
        #expect(await command(.post, "/distrust", ["marks": []]).status == 400)
        #expect(await command(.delete, "/distrust/family:genoa").status == 404)
    }

    @Test func `every command is in the audit log, with the mark and who asked`() async throws {
        _ = await add("chip:0102030405060708")
        _ = await command(.delete, "/distrust/chip:0102030405060708")
        _ = await command(.delete, "/distrust/chip:0102030405060708")
        let events = try service.audit().filter { $0["event"]?.string?.hasPrefix("distrust") ?? false }
        #expect(events.map { $0["event"]?.string } == ["distrust.add", "distrust.remove", "distrust.remove"])
        #expect(events.map { $0["outcome"]?.string } == ["allowed", "allowed", "refused"])
        #expect(events.first?["key"] == "test/chip:0102030405060708")
        #expect(events.allSatisfy { $0["caller"]?.string != nil })
    }

    @Test("AC-075 where the audit log cannot be written, nothing is distrusted and nothing issued") func audited()
        async throws
    {
        let file = MemoryFile()
        let service = try Service(audit: file)
        file.isFull = true
        let answer = Answer(
            await service.handler.respond(
                to: ServerRequest(
                    .post, "/distrust", headers: [.authorization: "Bearer \(Service.contributorToken)"],
                    body: Array(#"{"mark":"family:milan"}"#.utf8))))
        #expect(answer.status == 503)
        #expect(try await service.distrust.entries().isEmpty)
    }
}
