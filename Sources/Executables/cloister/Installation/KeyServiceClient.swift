import Encoding
import HTTPTypes
import ServiceKit

/// An administrator's calls to a key service (`key-api.md` section 5).
struct KeyServiceClient: Sendable {
    let client: Client
    let url: String
    let token: String

    private static let version = "api-version=7.4"

    init(client: Client, url: String, token: String) {
        self.client = client
        self.url = url
        self.token = token
    }

    /// The administrator of a key service of an installation.
    ///
    /// - Parameter instance: as `endpoints.json` names it.
    /// - Throws: `CommandFailure` when the state folder holds no running installation.
    init(_ state: StateFolder, instance: String) throws {
        try state.requireInstalled()
        let tokens = [
            Service.keys.rawValue: state.administratorToken,
            Service.providerKeys.rawValue: state.party(.provider, "keys/administrator-token"),
        ]
        guard let token = tokens[instance], let url = try Files.json(state.endpoints)[instance]?["url"]?.string else {
            throw CommandFailure.usage(
                "this installation has no key service \(instance)",
                advice: "its key services are \(tokens.keys.sorted().joined(separator: " and "))")
        }
        self.init(client: try Client(authorities: state.certificateAuthority), url: url, token: try Files.line(token))
    }

    /// The latest version of a key, or nil when there is none of that name.
    func key(_ name: String) async throws(CommandFailure) -> JSON? {
        let answer = try await send(.get, "/keys/\(name)/", nil)
        return answer.status == 404 ? nil : try body(answer, "read the key \(name)")
    }

    /// Makes a 256-bit symmetric key inside the service.
    func create(_ name: String, policy: JSON) async throws(CommandFailure) -> JSON {
        let request: JSON = [
            "kty": "oct-HSM", "key_size": 256, "key_ops": ["encrypt", "decrypt", "wrapKey", "unwrapKey"],
            "attributes": ["exportable": true], "release_policy": KeyServiceClient.encoded(policy),
        ]
        return try body(await send(.post, "/keys/\(name)/create", request), "create the key \(name)")
    }

    /// Hands the service a key that its owner made.
    func importKey(_ name: String, material: [UInt8], policy: JSON) async throws(CommandFailure) -> JSON {
        let request: JSON = [
            "Hsm": true,
            "key": [
                "kty": "oct-HSM", "k": .string(Base64.encodeURL(material)),
                "key_ops": ["encrypt", "decrypt", "wrapKey", "unwrapKey"],
            ],
            "attributes": ["exportable": true], "release_policy": KeyServiceClient.encoded(policy),
        ]
        return try body(await send(.put, "/keys/\(name)", request), "import the key \(name)")
    }

    /// Replaces the release policy of all versions.
    func setReleasePolicy(_ name: String, _ policy: JSON) async throws(CommandFailure) {
        _ = try body(
            await send(.patch, "/keys/\(name)/", ["release_policy": KeyServiceClient.encoded(policy)]),
            "change the release policy of the key \(name)")
    }

    /// `{"generations":[…],"isResealing"}`.
    func masterKey() async throws(CommandFailure) -> JSON {
        try body(await send(.get, "/masterkey", nil), "show its master key")
    }

    func rotateMasterKey() async throws(CommandFailure) -> JSON {
        try body(await send(.post, "/masterkey/rotate", nil), "rotate its master key")
    }

    /// `{"domain","required","shares":[JWE …]}`, a share for each certificate in their order.
    func exportDomain(to certificates: [[UInt8]], required: Int) async throws(CommandFailure) -> JSON {
        let request: JSON = [
            "certificates": .array(certificates.map { .string(Base64.encodeStandard($0)) }),
            "required": .integer(Int64(required)),
        ]
        return try body(await send(.post, "/securitydomain/download", request), "share its security domain")
    }

    func importDomain(_ shares: [JSON]) async throws(CommandFailure) -> JSON {
        try body(
            await send(.post, "/securitydomain/upload", ["shares": .array(shares)]), "take the security domain")
    }

    /// The policy inside a key bundle.
    static func releasePolicy(of bundle: JSON) -> JSON? {
        guard let data = bundle["release_policy"]?["data"]?.string, let bytes = Base64.decode(data, .lenient) else {
            return nil
        }
        return try? JSON.parse(bytes)
    }

    private static func encoded(_ policy: JSON) -> JSON {
        [
            "contentType": "application/json; charset=utf-8",
            "data": .string(Base64.encodeURL(policy.canonical)),
        ]
    }

    private func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: JSON?
    ) async throws(CommandFailure) -> Client.Response {
        do throws(Refusal) {
            return try await client.send(
                method, url + path + "?" + KeyServiceClient.version,
                headers: [.authorization: "Bearer \(token)", .contentType: "application/json"], body: body?.canonical)
        } catch {
            throw CommandFailure(error.detail, code: error.name)
        }
    }

    private func body(_ answer: Client.Response, _ what: String) throws(CommandFailure) -> JSON {
        guard (200..<300).contains(answer.status) else {
            let message = (try? JSON.parse(answer.body))?["error"]?["message"]?.string ?? "status \(answer.status)"
            throw CommandFailure("the key service does not \(what): \(message)", code: answer.headers[.cloisterRefusal])
        }
        do throws(JSON.ParseError) { return try JSON.parse(answer.body) } catch {
            throw CommandFailure("the key service's answer is not JSON")
        }
    }
}
