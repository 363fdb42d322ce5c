import AttestationService
import Encoding
import Foundation
import HTTPTypes
import Testing

private let route = "/policies/SevSnpVm?api-version=2020-10-01"
private let list = "/certificates?api-version=2020-10-01"
private let add = "/certificates:add?api-version=2020-10-01"
private let remove = "/certificates%3Aremove?api-version=2020-10-01"
private let permitting = "version= 1.0;authorizationrules{=> permit();};"

struct PolicySignerTests {
    let first: TestSigner
    let second: TestSigner

    init() throws {
        first = try TestSigner("first")
        second = try TestSigner("second")
    }

    func isolated() async throws -> Service {
        let service = try Service(trustModel: .isolated)
        try await service.policies.registerFirst([try PolicySigner(x5c: [.string(first.x5c)])])
        return service
    }

    func registered(_ service: Service) async -> [String] {
        await service.call(.get, list).claims["x-ms-policy-certificates"]?["keys"]?.array?
            .compactMap { $0["x5c"]?.strings?.first } ?? []
    }

    @Test func `an isolated instance takes policies of its registered signers only`() async throws {
        let service = try await isolated()
        for token in [unsignedToken(permitting), try second.policy(permitting)] {
            let answer = await service.call(.put, route, token)
            #expect(answer.status == 400)
            #expect(answer.errorCode == "InvalidOperation")
            #expect(answer.refusal == "endorsement-invalid")
        }
        let token = try first.policy(permitting)
        #expect(await service.call(.put, route, token).status == 200)
        #expect(await service.call(.get, route).claims["x-ms-policy"] == .string(token))
        let reset = "/policies/SevSnpVm:reset?api-version=2020-10-01"
        #expect(await service.call(.post, reset, PolicyToken.empty).errorCode == "InvalidOperation")
        #expect(await service.call(.post, reset, try second.sign([])).errorCode == "InvalidOperation")
        #expect(await service.call(.post, reset, try first.sign([])).claims["x-ms-policy-result"] == "Removed")
    }

    @Test func `signers are added and removed by signers, in every form of the request`() async throws {
        let service = try await isolated()
        #expect(await registered(service) == [first.x5c])
        let token = try first.certificate(of: second)
        for body in ["\"\(token)\"", token, "{\"policyCertificateToAdd\":\"\(token)\"}"] {
            let answer = await service.call(.post, add, body)
            #expect(answer.status == 200, "\(answer.body.text)")
            #expect(answer.claims["x-ms-policycertificates-result"] == "IsPresent")
            #expect(answer.claims["x-ms-certificate-result"] == "IsPresent")
            let thumbprint = try #require(answer.claims["x-ms-certificate-thumbprint"]?.string)
            #expect(thumbprint.count == 40 && thumbprint == thumbprint.uppercased())
        }
        #expect(await registered(service) == [first.x5c, second.x5c])
        #expect(await service.call(.put, route, try second.policy(permitting)).status == 200)
        // The second removes the first, and stays as the last.
        let removal = try second.certificate(of: first)
        for body in ["\"\(removal)\"", "{\"PolicyCertificateToRemove\":\"\(removal)\"}"] {
            #expect(await service.call(.post, remove, body).claims["x-ms-policycertificates-result"] == "IsAbsent")
        }
        #expect(await registered(service) == [second.x5c])
        let last = await service.call(.post, remove, try second.certificate(of: second))
        #expect(last.errorCode == "InvalidOperation")
        #expect(await registered(service) == [second.x5c])
        #expect(await service.call(.post, add, try first.certificate(of: first)).errorCode == "InvalidOperation")
        #expect(await service.call(.put, route, try first.policy(permitting)).errorCode == "InvalidOperation")
    }

    @Test func `strangers, other members and other trust models change no signer`() async throws {
        let service = try await isolated()
        for body in [
            "", "{}", "\"\"", unsignedToken(permitting), try second.certificate(of: second),
            try first.certificate(of: second, member: "maa-policyCertificate"),
            try first.policy(permitting),
        ] {
            #expect(await service.call(.post, add, body).errorCode == "InvalidOperation", "\(body.prefix(40))")
        }
        #expect(await registered(service) == [first.x5c])
        let preview = "/certificates:add?api-version=2018-09-01-preview"
        let old = try first.certificate(of: second, member: "maa-policyCertificate")
        #expect(await service.call(.post, preview, old).status == 200)
        let open = try Service()
        #expect(await open.call(.post, add, try first.certificate(of: first)).errorCode == "InvalidOperation")
        #expect(await registered(open).isEmpty)
    }

    @Test func `the configuration names the first signers once`() async throws {
        let service = try Service(trustModel: .isolated)
        await #expect { try await service.policies.registerFirst([]) } throws: {
            ($0 as? Refusal)?.code == .insecureConfiguration
        }
        try await service.policies.registerFirst([try PolicySigner(x5c: [.string(first.x5c)])])
        try await service.policies.registerFirst([try PolicySigner(x5c: [.string(second.x5c)])])
        try await service.policies.registerFirst([])
        #expect(await registered(service) == [first.x5c])
    }

    @Test func `of concurrent removals one leaves the last signer`() async throws {
        let service = try await isolated()
        #expect(await service.call(.post, add, try first.certificate(of: second)).status == 200)
        let removals = [try first.certificate(of: second), try second.certificate(of: first)]
        let statuses = await withTaskGroup(of: Int.self) { group in
            for body in removals { group.addTask { await service.call(.post, remove, body).status } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses.sorted() == [200, 400])
        #expect(await registered(service).count == 1)
    }
}
