import Encoding
import Evidence
import HTTPTypes
import ServiceKit

/// An administrator's calls to one instance of the attestation service of an installation.
struct DistrustClient: Sendable {
    let state: StateFolder
    let client: Client
    let url: String
    private let token: String

    /// - Throws: `CommandFailure` when the state folder holds no running installation.
    init(_ state: StateFolder, instance: String) throws {
        try state.requireInstalled()
        self.state = state
        guard let url = try Files.json(state.endpoints)[instance]?["url"]?.string else {
            throw CommandFailure("this installation has no service \(instance)")
        }
        self.url = url
        token = try Files.line(state.administratorToken)
        client = try Client(authorities: state.certificateAuthority)
    }

    func add(_ mark: EvidenceMark) async throws -> JSON {
        try await send(.post, "/distrust", ["mark": .string(mark.description)])
    }

    func remove(_ mark: EvidenceMark) async throws -> JSON {
        try await send(.delete, "/distrust/\(mark)", nil)
    }

    func list() async throws -> JSON { try await send(.get, "/distrust", nil) }

    func shutdown() async { await client.shutdown() }

    private func send(_ method: HTTPRequest.Method, _ path: String, _ body: JSON?) async throws -> JSON {
        let answer = try await client.send(
            method, url + path,
            headers: [.authorization: "Bearer \(token)", .contentType: "application/json"],
            body: body?.canonical ?? [])
        guard answer.status == 200, let json = try? JSON.parse(answer.body) else {
            throw Refusal(answer, "the attestation service does not do it")
        }
        return json
    }
}
