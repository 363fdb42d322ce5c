import AppraisalPolicy
import AttestationService
import Encoding
import Foundation
import HTTPTypes
import TestSupport
import Testing

/// Policy tokens that were made for the compatible service, and what its own replies say of them.
@Suite(.enabled(if: Vectors.available, "needs the folder of vectors"))
struct PolicyVectorTests {
    struct Facts {
        let file: String
        let json: JSON
        var text: String { get throws { String(decoding: try Vectors.bytes("maa-policies/\(file)"), as: UTF8.self) } }
        /// What the service would have received: no line end.
        var token: String { get throws { try text.trimmingCharacters(in: .whitespacesAndNewlines) } }
        var body: [String] { json["body"]?.strings ?? [] }
        var isReply: Bool { body.contains("iss") }
        var isPreview: Bool {
            json["policyEncoding"]?.string?.contains("plain") ?? false || body == ["maa-policyCertificate"]
        }
    }

    static let facts: [Facts] = {
        guard let json = try? JSON.parse(Vectors.bytes("maa-policies/tokens.json")) else { return [] }
        return (json["tokens"]?.array ?? []).compactMap { entry in
            entry["file"]?.string.map { Facts(file: $0, json: entry) }
        }
    }()

    @Test func `every token is read, and its digest and signer are what the facts say`() throws {
        #expect(Self.facts.count == 18)
        for facts in Self.facts {
            let text = try facts.token
            #expect(Digest(of: text).description == facts.json["tokenHash"]?.string, "\(facts.file)")
            guard !facts.isReply else { continue }
            let token = try PolicyToken(text)
            #expect((token.signer != nil) == (facts.json["signatureValid"] == true), "\(facts.file)")
            #expect(token.signer?.thumbprint == facts.json["signerThumbprint"]?.string, "\(facts.file)")
        }
    }

    @Test func `every policy token is accepted, or refused, as its facts say`() async throws {
        for facts in Self.facts where facts.body.contains("AttestationPolicy") {
            let service = try Service()
            let answer = await service.call(.put, "/policies/SgxEnclave?api-version=2020-10-01", try facts.text)
            if facts.isPreview {
                #expect(answer.errorCode == "InvalidOperation", "\(facts.file)")
                let old = await service.call(
                    .put, "/policies/SgxEnclave?api-version=2018-09-01-preview", try facts.text)
                #expect(old.status == 200, "\(facts.file): \(old.body.text)")
                continue
            }
            let policy = try PolicyToken(try facts.token).policyText(allowsPlainText: false)
            #expect(
                Digest(of: Base64.encodeURL(policy.utf8)).description == facts.json["policyHash"]?.string,
                "\(facts.file)")
            guard (try? AppraisalPolicy(parsing: policy)) != nil else {
                #expect(facts.file == "jwt/ga-SgxAllowDebugMode.jwt")
                #expect(answer.errorCode == "PolicyParsingError", "\(facts.file)")
                continue
            }
            #expect(answer.status == 200, "\(facts.file): \(answer.body.text)")
            #expect(answer.claims["x-ms-policy-token-hash"] == facts.json["tokenHash"], "\(facts.file)")
            #expect((answer.claims["x-ms-policy-signer"] != nil) == (facts.json["signatureValid"] == true))
        }
    }

    @Test func `reset tokens, signed and unsigned, bring the default back`() async throws {
        for name in ["jwt/ga-reset.jwt", "jwt/unsigned-preview-reset.jwt"] {
            let facts = try #require(Self.facts.first { $0.file == name })
            let answer = await (try Service()).call(
                .post, "/policies/SgxEnclave:reset?api-version=2020-10-01", try facts.text)
            #expect(answer.claims["x-ms-policy-result"] == "Removed", "\(name)")
        }
    }

    @Test func `certificate tokens add and remove the certificates that the facts name`() async throws {
        let service = try Service(trustModel: .isolated)
        let signed = try #require(Self.facts.first { $0.file == "jwt/ga-cert1.jwt" })
        try await service.policies.registerFirst([try #require(PolicyToken(try signed.token).signer)])
        for name in ["jwt/ga-cert1.jwt", "jwt/ga-cert2.jwt", "jwt/ga-cert.chain.jwt"] {
            let facts = try #require(Self.facts.first { $0.file == name })
            let thumbprint = try #require(facts.json["certificates"]?.array?.first)
            for (action, result) in [("add", JSON("IsPresent")), ("remove", "IsAbsent"), ("add", "IsPresent")] {
                let answer = await service.call(
                    .post, "/certificates:\(action)?api-version=2020-10-01", "\"\(try facts.token)\"")
                #expect(answer.claims["x-ms-policycertificates-result"] == result, "\(name): \(answer.body.text)")
                #expect(answer.claims["x-ms-certificate-thumbprint"] == thumbprint, "\(name)")
            }
        }
        let list = await service.call(.get, "/certificates?api-version=2020-10-01")
        #expect(list.claims["x-ms-policy-certificates"]?["keys"]?.array?.count == 4)
        let preview = try #require(Self.facts.first { $0.file == "jwt/preview-cert1.jwt" })
        for (version, status) in [("2020-10-01", 400), ("2018-09-01-preview", 400)] {
            // Its signer is another one, which is not registered; before that, the member's name decides.
            let answer = await service.call(.post, "/certificates:add?api-version=\(version)", try preview.token)
            #expect(answer.status == status)
        }
    }

    @Test func `an isolated instance takes the recorded request of the Python SDK from its signer`() async throws {
        let facts = try #require(Self.facts.first { $0.file == "jwt/rec-put-isolated-signed-request.jwt" })
        let service = try Service(trustModel: .isolated)
        let other = try TestSigner("other")
        try await service.policies.registerFirst([try PolicySigner(x5c: [.string(other.x5c)])])
        let route = "/policies/SgxEnclave?api-version=2020-10-01"
        #expect(await service.call(.put, route, try facts.token).errorCode == "InvalidOperation")
        let open = try Service(trustModel: .isolated)
        try await open.policies.registerFirst([try #require(PolicyToken(try facts.token).signer)])
        let answer = await open.call(.put, route, try facts.token)
        #expect(answer.status == 200, "\(answer.body.text)")
        try compare(answer.claims, "jwt/rec-put-isolated-signed-result.jwt")
        try compare(await open.call(.get, route).claims, "jwt/rec-get-isolated-signed-result.jwt")
    }

    @Test func `replies to unsigned policies have the recorded replies' members`() async throws {
        let facts = try #require(Self.facts.first { $0.file == "jwt/rec-put-unsecured-request.jwt" })
        let service = try Service()
        let route = "/policies/SgxEnclave?api-version=2020-10-01"
        try compare(await service.call(.put, route, try facts.token).claims, "jwt/rec-put-unsecured-result.jwt")
        try compare(await service.call(.get, route).claims, "jwt/rec-get-unsecured-result.jwt")
    }

    /// Every member of a recorded reply is in ours and no other is; but for issuer and times, with the same value.
    func compare(_ claims: JSON, _ file: String) throws {
        let recorded = String(decoding: try Vectors.bytes("maa-policies/\(file)"), as: UTF8.self)
        let parts = recorded.split(separator: ".")
        let payload = try #require(Base64.decode(parts[1], .lenient))
        let members = try #require(try JSON.parse(payload).object)
        let ours = try #require(claims.object)
        #expect(Set(members.keys) == Set(ours.keys), "\(file)")
        let differing: Set<String> = ["iss", "iat", "nbf", "exp"]
        for (name, value) in members where !differing.contains(name) {
            #expect(ours[name] == value, "\(file): \(name)")
        }
        func lifetime(_ members: [String: JSON]) -> Int64? {
            guard let end = members["exp"]?.integer, let start = members["iat"]?.integer else { return nil }
            return end - start
        }
        #expect(lifetime(ours) == lifetime(members))
    }
}
