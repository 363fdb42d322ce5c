import Channel
import Encoding
import HTTPTypes
import ServiceKit

/// The clerk's side of the inner channel: what the portal does in a browser, in Swift.
///
/// Nothing is sent before `attest` has succeeded, and everything that is sent is encapsulated to the keys that it found.
actor ClerkClient {
    /// What a sealed call answered.
    struct Answer: Sendable {
        var status: Int
        var content: [UInt8]

        var json: JSON? { try? JSON.parse(content) }
    }

    private static let role = "medical-platform"

    private let client: Client
    private let trust: ClerkTrust
    private let url: String
    private let clock: WallClock
    private var proof: PlatformProof?
    private var session: String?

    /// - Parameter url: the unit's address; it adds nothing to what is trusted.
    init(client: Client, trust: ClerkTrust, url: String? = nil, clock: WallClock = .system) {
        self.client = client
        self.trust = trust
        self.url = url ?? trust.platformURL
        self.clock = clock
    }

    /// Challenges the platform and checks everything about it.
    @discardableResult
    func attest() async throws(Refusal) -> PlatformProof {
        let proof = try await PlatformProof.obtain(
            url, role: ClerkClient.role, trusting: trust, client: client, clock: clock)
        self.proof = proof
        return proof
    }

    /// The suite that was used last, for people.
    private(set) var suite: Suite?

    // MARK: Calls

    /// A JSON call whose refusals are thrown.
    func call(_ method: String, _ path: String, _ body: JSON? = nil) async throws(Refusal) -> JSON {
        let answer = try await send(method, path, body?.canonical ?? [], type: "application/json")
        return answer.json ?? .null
    }

    /// A call with octets.
    func put(_ path: String, octets: [UInt8]) async throws(Refusal) {
        _ = try await send("PUT", path, octets, type: "application/octet-stream")
    }

    /// Signs in; later calls carry the session, inside the channel.
    func signIn(user: String, password: String) async throws(Refusal) {
        let answer = try await call("POST", "/sessions", ["user": .string(user), "password": .string(password)])
        guard let session = answer["session"]?.string else {
            throw Refusal(.loginInvalid, "the answer holds no session")
        }
        self.session = session
    }

    private func send(
        _ method: String, _ path: String, _ content: [UInt8], type: String
    ) async throws(Refusal) -> Answer {
        var fields = [BinaryField("cloister-tenant", trust.party.description)]
        if let session { fields.append(BinaryField("authorization", "Bearer \(session)")) }
        if method != "GET" {
            // A retry is sealed anew with the same key, so that it has its effect once.
            fields.append(BinaryField("idempotency-key", Hex.encode(Randomness.system.bytes(16))))
            fields.append(BinaryField("content-type", type))
        }
        fields.append(BinaryField("accept", "application/json"))
        let request = BinaryRequest(
            method: method, authority: ClerkClient.role, path: path, fields: fields, content: content)
        let answer: Answer
        do throws(Refusal) { answer = try await exchange(request) } catch {
            // The key's epoch has ended: verify again, and seal anew, once.
            guard error.code == .reattestationRequired else { throw error }
            try await attest()
            answer = try await exchange(request)
        }
        guard (200..<300).contains(answer.status) else {
            let problem = answer.json
            let prefix = "urn:cloister:refusal:"
            let type = problem?["type"]?.string ?? ""
            throw Refusal(
                name: type.hasPrefix(prefix) ? String(type.dropFirst(prefix.count)) : nil, status: answer.status,
                problem?["detail"]?.string ?? "the platform answered \(answer.status)")
        }
        return answer
    }

    private func exchange(_ request: BinaryRequest) async throws(Refusal) -> Answer {
        guard let peer = proof?.peer else {
            throw Refusal(.peerUnattested, "nothing is sent before the platform is verified")
        }
        let sealed = try OutgoingRequest.seal(
            request, to: peer, from: nil, allowing: Set(Suite.allCases), at: clock.now())
        suite = sealed.suite
        let answer = try await client.send(
            .post, url + sealed.path, headers: [.contentType: SealedMessage.requestType], body: sealed.body,
            maximumBytes: SealedMessage.maximumBytes)
        guard answer.status == 200 else {
            if answer.status == 401 {
                throw Refusal(.reattestationRequired, "the platform has no live key of that name")
            }
            throw Refusal(answer, "the platform does not take sealed messages")
        }
        let opened = try sealed.open(answer.body)
        return Answer(status: opened.response.status, content: opened.response.content)
    }
}
