import AttestationToken
import Encoding
import Evidence
import HTTPTypes
import ServiceKit

/// Watches from outside how the distrust of a mark reaches everybody: the attestation service, its published list, and a
/// key service that is asked to release a key for a token that was good a moment ago.
struct DistrustDrill: Sendable {
    /// Something that happened, and how long after the command.
    struct Step: Sendable {
        let name: String
        let after: Duration

        var milliseconds: Int64 { Int64(after / .milliseconds(1)) }
        var text: String { "\(milliseconds) ms" }
        var json: JSON { ["name": .string(name), "milliseconds": .integer(milliseconds)] }
    }

    /// Longest wait for a refusal: a list of revoked tokens is asked for again after seconds.
    private static let limit = Duration.seconds(30)

    private let service: DistrustClient
    private let document: EvidenceDocument
    private let token: String
    private let tokenID: String
    private let keys: String
    private let credential: String

    /// Takes the platform unit's evidence and token before the command.
    ///
    /// - Throws: `not-found` when the unit's evidence does not have the mark: then there would be nothing to measure.
    init(_ service: DistrustClient, mark: EvidenceMark) async throws {
        self.service = service
        let endpoints = try Files.json(service.state.endpoints)
        guard let platform = endpoints["platform"]?["url"]?.string, let keys = endpoints["keys"]?["url"]?.string else {
            throw CommandFailure("this installation has no platform unit and key service to watch")
        }
        self.keys = keys
        let answer = try await service.client.send(
            .get, platform + "/evidence", maximumBytes: EvidenceDocument.maximumBytes)
        guard answer.status == 200 else { throw Refusal(answer, "the platform unit gives no evidence") }
        document = try EvidenceDocument(parsing: answer.body)
        let anchors = try TrustArgument.anchors([service.state.simulatedRoot])
        let verdict = EvidenceVerifier(anchors: anchors).verify(
            document.evidence, tee: document.tee, collateral: document.collateral, at: WallClock.system.now())
        guard verdict.marks.contains(mark) else {
            throw Refusal(.notFound, "the platform unit's evidence does not have this mark; leave --measure away")
        }
        let url = service.url
        let tokens = document.tokens.compactMap { compact in try? UnverifiedToken(compact) }
        guard let token = tokens.first(where: { $0.issuer == url }), let id = token.id else {
            throw CommandFailure("the platform unit holds no token of this instance")
        }
        self.token = token.compact
        tokenID = id
        credential = try Files.line(service.state.party(.hospital, "keys/release-token"))
    }

    /// Waits until each of them refuses.
    func watch(from start: ContinuousClock.Instant) async throws -> [Step] {
        [
            try await wait("the attestation service refuses the evidence", start) { try await isRefused() },
            try await wait("the token is on the published list", start) { try await isListed() },
            try await wait("the key service refuses the token", start) { try await isKeyRefused() },
        ]
    }

    private func wait(
        _ name: String, _ start: ContinuousClock.Instant, until holds: () async throws -> Bool
    ) async throws -> Step {
        while ContinuousClock.now - start < DistrustDrill.limit {
            if try await holds() { return Step(name: name, after: ContinuousClock.now - start) }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw CommandFailure("not within \(DistrustDrill.limit): \(name)")
    }

    private func isRefused() async throws -> Bool {
        let request = try AttestRequest(document)
        let answer = try await service.client.send(
            .post, "\(service.url)/attest/\(request.path)?api-version=2022-08-01",
            headers: [.contentType: "application/json"], body: request.body.canonical)
        return answer.status != 200
    }

    private func isListed() async throws -> Bool {
        let answer = try await service.client.send(
            .get, service.url + RevocationList.path, maximumBytes: RevocationList.maximumBytes)
        guard answer.status == 200 else { return false }
        // Whether it is genuine is the relying parties' question; here only what it says counts.
        let list = try JWS(
            compact: String(decoding: answer.body, as: UTF8.self), maximumBytes: RevocationList.maximumBytes)
        return try JSON.parse(list.payload)["tokens"]?.strings?.contains(tokenID) ?? false
    }

    private func isKeyRefused() async throws -> Bool {
        let body: JSON = ["enc": "RSA_AES_KEY_WRAP_256", "target": .string(token)]
        let answer = try await service.client.send(
            .post, "\(keys)/keys/\(KeyProvisioning.recordKey)/release?api-version=7.4",
            headers: [.contentType: "application/json", .authorization: "Bearer \(credential)"], body: body.canonical)
        return answer.headers[.cloisterRefusal] == "token-revoked"
    }
}
