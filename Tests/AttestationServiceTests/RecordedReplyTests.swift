import AttestationService
import AttestationToken
import Encoding
import Evidence
import Foundation
import TestSupport
import Testing

/// Recorded replies of Azure's own service against ours to the same request, member by member.
///
/// Every difference is in the table below with its reason; one that is not there fails, and so does an entry that no
/// longer differs.
@Suite(.enabled(if: Vectors.available, "needs the folder of vectors"))
struct RecordedReplyTests {
    /// A recorded exchange and the setting that makes ours the same.
    struct Exchange: Sendable, CustomTestStringConvertible {
        let file: String
        /// The policy of the recorded instance, where it was not the default. It is sent as a draft, since how policies
        /// are set is another route's matter.
        var policy: String?
        /// Where the reply is in another file.
        var reply: String?
        var testDescription: String { file }
    }

    static let permissive = "version=1.0; authorizationrules{=> permit();}; issuancerules{};"
    static let exchanges = [
        Exchange(file: "sgx-recorded-shared-binary"),
        Exchange(file: "sgx-recorded-aad-binary", policy: permissive),
        Exchange(file: "sgx-recorded-aad-json", policy: permissive),
        Exchange(file: "oe-recorded-aad-binary", policy: permissive),
        Exchange(file: "oe-recorded-aad-draft-policy"),
        Exchange(file: "snp-json-report", reply: "snp-token-2025"),
    ]

    /// Why a member of header or claims may differ. The same table is in Documentation/attestation-tokens.md.
    static let differences: [String: String] = [
        "header.alg": "none where the recorded instance's own policy is sent as a draft",
        "header.jku": "the issuer's own name",
        "header.kid": "the issuer's own key",
        "iss": "the issuer's own name",
        "iat": "judged at a moment for which collateral was recorded",
        "nbf": "as iat",
        "exp": "as iat; the difference to it is the same",
        "jti": "random",
        "x-ms-sgx-collateral": "hashes of collateral of another day; quotehash is the same",
        "maa-attestationcollateral": "as x-ms-sgx-collateral",
        "x-cloister-grade": "added: formats.md section 3",
        "x-cloister-revocable": "added: the service publishes what it revokes",
        "x-cloister-tcb-status": "added: formats.md section 3",
        "x-cloister-valid-until": "added: formats.md section 3",
        "x-ms-sevsnpvm-chip-family": "added: in tokens since 2026",
        "x-ms-sevsnpvm-chipid": "added: in tokens since 2026",
        "x-ms-sevsnpvm-ciphertext-hiding-dram-enabled": "added: in tokens since 2026",
        "x-ms-sevsnpvm-cxl-allowed": "added: in tokens since 2026",
        "x-ms-sevsnpvm-mem-aes256-xts-required": "added: in tokens since 2026",
        "x-ms-sevsnpvm-page-swap-disabled": "added: in tokens since 2026",
        "x-ms-sevsnpvm-rapl-disabled": "added: in tokens since 2026",
        "x-ms-sevsnpvm-singlesocket": "added: in tokens since 2026",
    ]

    /// Our header and claims, and the recorded ones, of one exchange.
    func replies(_ exchange: Exchange) async throws -> (ours: [String: JSON], recorded: [String: JSON], Answer) {
        let file = try JSON.parse(Vectors.bytes("maa-requests/\(exchange.file).json"))
        let reply = try exchange.reply.map { try JSON.parse(Vectors.bytes("maa-requests/\($0).json")) }
        var body = try #require(file["request"]?.object)
        if let policy = exchange.policy { body["draftPolicyForAttestation"] = .string(policy) }
        let path = try #require(file["attestPath"]?.string)
        let service = try path == "SevSnpVm" ? RecordedRequestTests().snpService() : RecordedRequestTests().sgxService()
        let answer = await service.post("/attest/\(path)?api-version=2020-10-01", .object(body))
        #expect(answer.status == 200, "\(answer.body.text)")
        let recorded = try #require((reply ?? file["recordedReply"])?.object)
        return (
            Self.flattened(answer.jws?.header, answer.claims.object),
            Self.flattened(recorded["header"]?.object, recorded["claims"]?.object), answer
        )
    }

    static func flattened(_ header: [String: JSON]?, _ claims: [String: JSON]?) -> [String: JSON] {
        var all = claims ?? [:]
        for (name, value) in header ?? [:] { all["header." + name] = value }
        return all
    }

    static func differing(_ ours: [String: JSON], _ recorded: [String: JSON]) -> Set<String> {
        Set(ours.keys).union(recorded.keys).filter { ours[$0] != recorded[$0] }
    }

    @Test(arguments: exchanges)
    func `our reply to a recorded request is the recorded one but for the table`(exchange: Exchange) async throws {
        let (ours, recorded, answer) = try await replies(exchange)
        #expect(recorded.count > 10)
        for name in Self.differing(ours, recorded).sorted() {
            #expect(
                Self.differences[name] != nil,
                "\(name) differs: \(ours[name]?.text ?? "–") \(recorded[name]?.text ?? "–")")
        }
        // What may differ is of one type all the same, and nothing that was recorded is missing.
        for (name, value) in recorded where name != "iat" {
            #expect(ours[name] != nil, "\(name)")
            if value.string != nil { #expect(ours[name]?.string != nil, "\(name)") }
            if value.integer != nil { #expect(ours[name]?.integer != nil, "\(name)") }
        }
        for name in ["x-ms-sgx-collateral", "maa-attestationcollateral"] {
            #expect(ours[name]?["quotehash"] == recorded[name]?["quotehash"])
            #expect(Set((ours[name]?.object ?? [:]).keys) == Set((recorded[name]?.object ?? [:]).keys))
        }
        if let end = recorded["exp"]?.integer, let start = (recorded["iat"] ?? recorded["nbf"])?.integer {
            #expect(try #require(answer.claims["exp"]?.integer) - (answer.claims["iat"]?.integer ?? 0) == end - start)
        }
        #expect(answer.body.object?.keys.sorted() == ["token"])
    }

    @Test func `every entry of the table is needed`() async throws {
        var seen: Set<String> = []
        for exchange in Self.exchanges {
            let (ours, recorded, _) = try await replies(exchange)
            seen.formUnion(Self.differing(ours, recorded))
        }
        #expect(Set(Self.differences.keys) == seen)
    }

    @Test func `every claim of the newest recorded SNP token is one of ours`() async throws {
        let recorded = try JSON.parse(Vectors.bytes("maa-requests/snp-token-2026.json"))["claims"]?.object ?? [:]
        let (ours, _, _) = try await replies(Exchange(file: "snp-json-report", reply: "snp-token-2025"))
        // These two depend on the request and on the acceptance list.
        for name in recorded.keys where !["x-ms-runtime", "x-ms-compliance-status"].contains(name) {
            #expect(ours[name] != nil, "\(name)")
        }
    }
}
